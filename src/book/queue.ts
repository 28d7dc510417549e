import { classify } from '../db/failure.ts';
import { processTime } from '../db/clock.ts';
import { refuse, RefusalError } from '../refusal.ts';
import type { Result } from './commit.ts';
import type { Submission } from './submission.ts';

export type QueueOptions = {
  /** The most submissions in one transaction. */
  readonly batchSize: number;
  /** The most submissions that wait; one more is refused with OVERLOADED. */
  readonly queueLimit: number;
  readonly commit: (submissions: readonly Submission[]) => Promise<readonly Result[]>;
};

export type Queue = {
  submit(submission: Submission): Promise<unknown>;
  /** Refuses what comes, and resolves when all that waits is done. */
  drain(): Promise<void>;
};

type Waiting = {
  readonly submission: Submission;
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** How often a batch that met a conflict is tried again before its callers are told. */
const ATTEMPTS = 3;

/**
 * A queue with group commit: while a batch is in the database the next one gathers; an idle queue
 * adds no wait. Bounded in length and in time: past the bound or the caller's deadline the answer is OVERLOADED.
 */
export function createQueue({ batchSize, queueLimit, commit }: QueueOptions): Queue {
  const waiting: Waiting[] = [];
  let working: Promise<void> | null = null;
  let closed = false;

  async function work(): Promise<void> {
    // A turn of the loop: what arrives together with the first travels in its batch.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize).filter(isStillWanted);
      if (batch.length > 0) await settle(batch, 1);
    }
    working = null;
  }

  /** Commits a batch and tells every caller; a batch the database refuses is split until the culprit stands alone. */
  async function settle(batch: readonly Waiting[], attempt: number): Promise<void> {
    try {
      const results = await commit(batch.map((one) => one.submission));
      for (const [i, result] of results.entries()) {
        if (result.ok) batch[i]!.resolve(result.message);
        else batch[i]!.reject(result.error);
      }
    } catch (error) {
      const failure = classify(error);
      if (failure === 'conflict' && attempt < ATTEMPTS) return settle(batch, attempt + 1);
      if (failure === 'fault' && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await settle(batch.slice(0, half), 1);
        return settle(batch.slice(half), 1);
      }
      for (const one of batch) one.reject(failure === 'fault' ? error : refusalFor(failure, error));
    }
  }

  return {
    submit: (submission) =>
      new Promise((resolve, reject) => {
        if (closed)
          refuse('SHUTTING_DOWN', 'this instance is shutting down; ask another', {}, { retryAfterMs: 100 });
        if (waiting.length >= queueLimit) overloaded(`${queueLimit} writes already wait`, queueLimit);
        waiting.push({ submission, resolve, reject });
        working ??= work();
      }),
    drain: async () => {
      closed = true;
      await working;
    },
  };
}

/** Answers a caller whose deadline has passed while it waited: nothing was done for it. */
function isStillWanted({ submission, reject }: Waiting): boolean {
  if (submission.deadline === null || processTime() < submission.deadline) return true;
  try {
    return overloaded('the deadline passed while the write waited', null);
  } catch (error) {
    reject(error);
    return false;
  }
}

const overloaded = (why: string, limit: number | null): never =>
  refuse('OVERLOADED', `${why}; nothing was written`, limit === null ? {} : { limit: String(limit) }, {
    retryAfterMs: 200,
  });

function refusalFor(failure: 'conflict' | 'unavailable', cause: unknown): RefusalError {
  const refusal =
    failure === 'conflict'
      ? new RefusalError({
          reason: 'CONFLICT',
          message: 'the write met others too often; nothing was written',
          metadata: {},
          retryAfterMs: 50,
        })
      : new RefusalError({
          reason: 'DATABASE_UNAVAILABLE',
          message:
            'the database cannot be reached; whether the write happened is unknown, repeat it with its idempotency_key',
          metadata: {},
          retryAfterMs: 500,
        });
  refusal.cause = cause;
  return refusal;
}
