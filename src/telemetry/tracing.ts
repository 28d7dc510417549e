import type { RoundTrip } from '../db/pipeline.ts';
import type { PoolName } from '../db/pools.ts';
import type { CallObserver } from '../rpc/call/call-observer.ts';
import type { Caused } from '../write/batch-observer.ts';
import type { Manner } from '../write/commit.ts';

/** Spans of what is traced; of all else nothing is kept. */
export type Tracing = Pick<CallObserver, 'began' | 'ended'> & {
  /** The span that what is asked now is asked for; undefined: none that is traced. */
  cause(): unknown;
  /** Does the work of a batch as a span of its own, if any of its writes is traced. */
  around<T>(batch: readonly Caused[], manner: Manner, work: () => Promise<T>): Promise<T>;
  roundTrip(pool: PoolName, trip: RoundTrip): void;
  /** Sends what has not been sent yet; bounded. */
  close(): Promise<void>;
};

/** As OpenTelemetry calls them. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Which calls are traced, and of how many where a ratio decides. */
export type Sampling = { readonly sampler: (typeof SAMPLERS)[number]; readonly ratio: number };
