import type { Command } from '../credit/command.ts';
import { pause, type Clock } from '../db/clock.ts';
import { shardOf, type BookKey } from '../tables/book-key.ts';
import { commitBatch, type CommitDeps, type Manner } from './commit.ts';
import type { Committed } from '../live/committed-writes.ts';
import type { BatchObserver } from './batch-observer.ts';
import { createQueue, type QueueCounts } from './queue.ts';
import type { Submission } from './submission.ts';

export type BooksOptions = CommitDeps & {
  /** Deadlines are on its monotonic milliseconds. */
  readonly clock: Clock;
  /**
   * How many queues share the shards. One gathers whatever waits; shards that must not meet in a batch need a lane each.
   */
  readonly lanes: number;
  readonly batchSize: number;
  readonly queueLimit: number;
  /** Told what was committed, before the callers are answered. What it throws is nobody's failed write. */
  readonly onCommitted?: (committed: readonly Committed[]) => void;
  /** Told of each batch. */
  readonly observer?: BatchObserver | undefined;
};

/** The write path: whoever wants a book changed submits a command here. */
export type Books = {
  /**
   * Resolves with the answer once the write is committed, or with the first answer if its key was used before.
   * Rejects with a RefusalError when it is refused; nothing was written then.
   */
  submit<C extends Command, Message>(submission: Submission<C, Message>): Promise<Message>;
  /**
   * Throws OVERLOADED where so many writes would not be done by their deadline, as it looks now: asked before they are
   * looked at, so that a flood is refused for less than it costs to send.
   */
  assertInTime(keys: readonly BookKey[], deadline: number): void;
  /** Whether one more write of some book would be done by its deadline: asked by the head of a call, which names no book. */
  isInTime(deadline: number): boolean;
  /** Of all lanes together, with the most that may wait. */
  counts(): QueueCounts & { readonly limit: number };
  /** Refuses new writes and waits for those under way. */
  close(): Promise<void>;
};

/** Many times what a full batch usually takes. */
const LONGEST_DECIDING_MS = 100;

export function createBooks({ lanes, batchSize, queueLimit, onCommitted, ...more }: BooksOptions): Books {
  const { observer, ...rest } = more;
  const deps: CommitDeps = { longestDecidingMs: LONGEST_DECIDING_MS, ...rest };
  const commit = async (submissions: readonly Submission[], manner: Manner) => {
    const { results, committed } = await commitBatch(deps, submissions, manner);
    // Outside this call: thrown here, a follower's fault would look like a failed write, and be tried again.
    if (onCommitted !== undefined && committed.length > 0) queueMicrotask(() => onCommitted(committed));
    return results;
  };
  const now = rest.clock.monotonic;
  const queues = Array.from({ length: lanes }, () =>
    createQueue({ batchSize, queueLimit, commit, now, pause, observer }),
  );
  const laneOf = (key: BookKey) => shardOf(key) % lanes;
  return {
    isInTime: (deadline) => queues.some((queue) => queue.isInTime(deadline)),
    assertInTime: (keys, deadline) => {
      for (const [lane, own] of Map.groupBy(keys, laneOf)) queues[lane]!.assertInTime(own.length, deadline);
    },
    submit: <C extends Command, Message>(submission: Submission<C, Message>) =>
      queues[laneOf(submission.key)]!.submit(submission) as Promise<Message>,
    counts() {
      const all = queues.map((queue) => queue.counts());
      const sum = (of: (one: QueueCounts) => number) => all.reduce((total, one) => total + of(one), 0);
      return {
        waiting: sum(({ waiting }) => waiting),
        aside: sum(({ aside }) => aside),
        underWay: sum(({ underWay }) => underWay),
        oldestMs: Math.max(...all.map(({ oldestMs }) => oldestMs)),
        limit: lanes * queueLimit,
      };
    },
    close: async () => {
      await Promise.all(queues.map((queue) => queue.drain()));
    },
  };
}
