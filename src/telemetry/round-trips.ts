import { classify } from '../db/failure.ts';
import type { RoundTrip } from '../db/pipeline.ts';
import type { PoolName } from '../db/pools.ts';
import { createDistribution, SECONDS } from './distribution.ts';
import { byLabels, type Family } from './family.ts';

export type RoundTripMetrics = {
  measure(pool: PoolName, trip: RoundTrip): void;
  readonly families: readonly Family[];
};

/** Round trips to the database, by pool: what one takes is Postgres and the way there and back. */
export function createRoundTripMetrics(): RoundTripMetrics {
  const durations = byLabels(() => createDistribution(SECONDS));
  const statements = byLabels(() => ({ count: 0 }));
  return {
    measure(pool, trip) {
      const failure = trip.error === undefined ? '' : classify(trip.error);
      const labels = () => ({
        db_system_name: 'postgresql',
        db_client_connection_pool_name: pool,
        error_type: failure,
      });
      const key = failure === '' ? pool : `${pool} ${failure}`;
      durations.of(key, labels).observe((trip.answeredAt - trip.sentAt) / 1_000);
      const named = statements.of(pool, () => ({ db_client_connection_pool_name: pool }));
      named.count += trip.statements.length;
    },
    families: [
      {
        name: 'db_client_operation_duration_seconds',
        help: 'How long round trips to the database took; error_type says how one failed.',
        type: 'histogram',
        bounds: SECONDS,
        read: durations.all,
      },
      {
        name: 'credit_ledger_database_statements_total',
        help: 'Statements sent to the database; those that share a round trip count one by one.',
        type: 'counter',
        *read() {
          for (const [labels, { count }] of statements.all()) yield [labels, count];
        },
      },
    ],
  };
}
