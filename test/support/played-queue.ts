import { expect } from 'vitest';
import type { Result } from '../../src/write/answer-one.ts';
import { createQueue, type QueueOptions } from '../../src/write/queue.ts';
import type { Submission } from '../../src/write/submission.ts';
import { aNamed } from './submissions.ts';

/** Queues of writes over a database that the test plays itself. */

type Batch = { readonly names: readonly string[]; answer(): void; fail(error: unknown): void };

/** Time stands still, unless a test moves it. */
export const NOW = 1_000;

/** Nothing here is locked, so nothing is tried after a while. */
export const noPause = () => Promise.reject(new Error('nobody waits'));

export const nameOf = ({ key }: Submission): string => key.customerId;
export const databaseError = (code: string): Error =>
  Object.assign(new Error(`database says ${code}`), { code });

/** A queue whose transactions stay under way until the test ends them, one after the other. */
export function controlled(options: Partial<QueueOptions> = {}) {
  const begun: Batch[] = [];
  const arrivals: ((batch: Batch) => void)[] = [];
  const queue = createQueue({
    batchSize: 64,
    queueLimit: 100,
    now: () => NOW,
    pause: noPause,
    ...options,
    commit: (submissions) =>
      new Promise<readonly Result[]>((resolve, reject) => {
        const names = submissions.map(nameOf);
        const batch: Batch = {
          names,
          answer: () => resolve(names.map((name) => ({ ok: true, message: `${name} done` }))),
          fail: reject,
        };
        const expected = arrivals.shift();
        if (expected === undefined) begun.push(batch);
        else expected(batch);
      }),
  });
  return {
    queue,
    submit: (name: string, deadline?: number) => queue.submit(aNamed(name, deadline)),
    /** The next batch that the queue commits. */
    next: (): Promise<Batch> =>
      begun.length > 0 ? Promise.resolve(begun.shift()!) : new Promise((resolve) => arrivals.push(resolve)),
    /** Batches begun that the test has not looked at. */
    unseen: () => begun.length,
  };
}

/** A queue over a database that refuses every batch for which `refuses` says why. */
export function answering(refuses: (names: readonly string[]) => Error | undefined) {
  const tried: (readonly string[])[] = [];
  const queue = createQueue({
    batchSize: 64,
    queueLimit: 100,
    now: () => NOW,
    pause: noPause,
    commit: async (submissions) => {
      const names = submissions.map(nameOf);
      tried.push(names);
      const error = refuses(names);
      if (error !== undefined) throw error;
      return names.map((name) => ({ ok: true, message: `${name} done` }));
    },
  });
  const outcomes = async (names: string) => {
    const results = await Promise.allSettled(names.split('').map((name) => queue.submit(aNamed(name))));
    return results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason));
  };
  return { tried, outcomes };
}

export const refusal = (reason: string, more: object = {}): object =>
  expect.objectContaining({ refusal: expect.objectContaining({ reason, ...more }) });
