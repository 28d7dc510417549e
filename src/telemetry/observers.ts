import type { RoundTripObserver } from '../db/pipeline.ts';
import type { PoolName } from '../db/pools.ts';
import type { CallObserver } from '../rpc/call/call-observer.ts';
import type { BatchObserver } from '../write/batch-observer.ts';
import type { BatchMetrics } from './batches.ts';
import type { CallMetrics } from './calls.ts';
import type { RoundTripMetrics } from './round-trips.ts';
import type { Tracing } from './tracing.ts';

/** What the service tells of as it works. */
export type Observers = {
  readonly calls: CallObserver;
  readonly batches: BatchObserver;
  roundTrips(pool: PoolName): RoundTripObserver;
};

export type Measured = {
  readonly calls: CallMetrics;
  readonly batches: BatchMetrics;
  readonly roundTrips: RoundTripMetrics;
};

/** Counts and measures all of it, and traces what is traced. */
export function observersOf(
  { calls, batches, roundTrips }: Measured,
  tracing: Tracing | undefined,
): Observers {
  if (tracing === undefined)
    return {
      calls: { began: untraced, ended: calls.ended, turnedAway: calls.turnedAway },
      batches: { cause: untraced, around: batches.measure, again: batches.again },
      roundTrips: (pool) => ({ cause: untraced, ended: (trip) => roundTrips.measure(pool, trip) }),
    };
  return {
    calls: {
      began: tracing.began,
      ended(call, code, reason) {
        calls.ended(call, code, reason);
        tracing.ended(call, code, reason);
      },
      turnedAway: calls.turnedAway,
    },
    batches: {
      cause: tracing.cause,
      around: (batch, manner, work) =>
        batches.measure(batch, manner, () => tracing.around(batch, manner, work)),
      again: batches.again,
    },
    roundTrips: (pool) => ({
      cause: tracing.cause,
      ended(trip) {
        roundTrips.measure(pool, trip);
        tracing.roundTrip(pool, trip);
      },
    }),
  };
}

const untraced = () => undefined;
