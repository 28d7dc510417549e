import type { Command } from '../credit/command.ts';
import { shardOf, SHARDS } from './book-key.ts';
import { commitBatch, type CommitDeps } from './commit.ts';
import type { Committed } from './deeds.ts';
import { createQueue } from './queue.ts';
import type { Submission } from './submission.ts';

export type BooksOptions = CommitDeps & {
  readonly batchSize: number;
  readonly queueLimit: number;
  /** Told what was committed, before the callers are answered. What it throws is nobody's failed write. */
  readonly onCommitted?: (committed: readonly Committed[]) => void;
};

/** The write path: whoever wants a book changed submits a command here. */
export type Books = {
  /**
   * Resolves with the answer once the write is committed, or with the first answer if its key was used before.
   * Rejects with a RefusalError when it is refused; nothing was written then.
   */
  submit<C extends Command, Message>(submission: Submission<C, Message>): Promise<Message>;
  /** Refuses new writes and waits for those under way. */
  close(): Promise<void>;
};

export function createBooks({ batchSize, queueLimit, onCommitted, ...deps }: BooksOptions): Books {
  const commit = async (shard: number, submissions: readonly Submission[]) => {
    const { results, committed } = await commitBatch(deps, shard, submissions);
    // Outside this call: thrown here, a follower's fault would look like a failed write, and be tried again.
    if (onCommitted !== undefined && committed.length > 0) queueMicrotask(() => onCommitted(committed));
    return results;
  };
  const queues = Array.from({ length: SHARDS }, (_, shard) =>
    createQueue({ batchSize, queueLimit, commit: (submissions) => commit(shard, submissions) }),
  );
  return {
    submit: <C extends Command, Message>(submission: Submission<C, Message>) =>
      queues[shardOf(submission.key)]!.submit(submission) as Promise<Message>,
    close: async () => {
      await Promise.all(queues.map((queue) => queue.drain()));
    },
  };
}
