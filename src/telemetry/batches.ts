import { monotonic } from '../db/clock.ts';
import { classify } from '../db/failure.ts';
import type { BatchObserver, Caused } from '../write/batch-observer.ts';
import type { Manner } from '../write/commit.ts';
import { createDistribution, SECONDS } from './distribution.ts';
import { byLabels, counter, type Family } from './family.ts';

export type BatchMetrics = {
  /** Measures the work of a batch. */
  measure<T>(batch: readonly Caused[], manner: Manner, work: () => Promise<T>): Promise<T>;
  again: BatchObserver['again'];
  readonly families: readonly Family[];
};

const SIZES: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000];

/** Batches of writes: how many writes they hold, how long they take in the database, and how they fail. */
export function createBatchMetrics(): BatchMetrics {
  const sizes = createDistribution(SIZES);
  const durations = byLabels(() => createDistribution(SECONDS));
  const counts = { retry: 0, split: 0 };

  function ended(manner: Manner, since: number, failure: string): void {
    const of = durations.of(`${manner} ${failure}`, () => ({ manner, error_type: failure }));
    of.observe((monotonic() - since) / 1_000);
  }

  return {
    async measure({ length }, manner, work) {
      const since = monotonic();
      sizes.observe(length);
      try {
        const result = await work();
        ended(manner, since, '');
        return result;
      } catch (error) {
        ended(manner, since, classify(error));
        throw error;
      }
    },
    again(how) {
      counts[how] += 1;
    },
    families: [
      {
        name: 'credit_ledger_batch_size',
        help: 'How many writes share a transaction.',
        type: 'histogram',
        bounds: SIZES,
        read: () => [[{}, sizes]],
      },
      {
        name: 'credit_ledger_batch_duration_seconds',
        help: 'How long batches of writes took, from the lock to the commit; error_type says how one failed.',
        type: 'histogram',
        bounds: SECONDS,
        read: durations.all,
      },
      counter(
        'credit_ledger_batch_retries_total',
        'Batches that met a conflict and were tried again as they were.',
        () => counts.retry,
      ),
      counter(
        'credit_ledger_batch_splits_total',
        'Batches that were tried again in halves, to find the write that cannot be done.',
        () => counts.split,
      ),
    ],
  };
}
