import { classify, refusalOf } from '../db/failure.ts';
import { refuse } from '../refusal.ts';
import { bookKeyText } from '../tables/book-key.ts';
import type { Result } from './answer-one.ts';
import type { Submission } from './submission.ts';

export type QueueOptions = {
  /** The most submissions in one transaction. */
  readonly batchSize: number;
  /** The most submissions that wait; one more is refused with OVERLOADED. */
  readonly queueLimit: number;
  readonly commit: (submissions: readonly Submission[]) => Promise<readonly Result[]>;
  /** The milliseconds that deadlines are told in. */
  readonly now: () => number;
};

export type Queue = {
  submit(submission: Submission): Promise<unknown>;
  /** Throws OVERLOADED if so many more would not be done by a deadline, at the pace of the last batches. */
  assertInTime(more: number, deadline: number): void;
  /** Refuses what comes, and resolves when all that waits is done. */
  drain(): Promise<void>;
};

type Waiting = {
  readonly submission: Submission;
  readonly book: string;
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** How often one write that meets conflicts is tried before its caller is told, and a batch before it is split. */
const ATTEMPTS = { alone: 3, together: 2 };

/** Batches in the database at a time: one of whatever waits, and beside it only a full one. */
const AT_ONCE = 2;

/**
 * A queue with group commit: while a batch is in the database the next one gathers; an idle queue adds no wait. Where
 * enough waits for a full batch, it is decided while the one before is stored; fewer wait, because two small batches
 * cost twice what one costs. Writes of one book are never in two batches at a time, so each book's keep their order.
 *
 * Bounded in length and in time: past the bound, or where the caller's deadline would pass before its turn, the answer is
 * OVERLOADED at once.
 */
export function createQueue(options: QueueOptions): Queue {
  const { batchSize, queueLimit, commit, now } = options;
  const line = createLine();
  let underWay = 0;
  let beginning = false;
  const pace = createPace(now);
  const drained = Promise.withResolvers<void>();
  let closed = false;
  const isIdle = () => underWay === 0 && line.length() === 0;

  function begin(): void {
    beginning = false;
    while (underWay === 0 ? line.free() > 0 : underWay < AT_ONCE && line.free() >= batchSize) {
      const time = now();
      const batch = line.take(batchSize, (one) => isStillWanted(one, time, queueLimit));
      if (batch.length > 0) void carryOut(batch);
    }
    if (closed && isIdle()) drained.resolve();
  }

  async function carryOut(batch: readonly Waiting[]): Promise<void> {
    underWay += 1;
    const ended = pace.begin();
    await commitAndTell(commit, batch, 1);
    ended();
    underWay -= 1;
    line.release(batch);
    begin();
  }

  function assertInTime(more: number, deadline: number): void {
    // Idle it begins at once: however slow the last batch was, the next one is the first to tell.
    if (deadline === Infinity || isIdle()) return;
    // Those under way, and those that carry what waits and what comes.
    const batches = underWay + Math.ceil((line.length() + more) / batchSize);
    const expectedMs = Math.round(batches * pace.batchMs());
    if (now() + expectedMs <= deadline) return;
    const ahead = line.length();
    overloaded(`${ahead} writes wait, this one for ${expectedMs} ms, past its deadline`, ahead);
  }

  function beginSoon(): void {
    if (beginning) return;
    if (underWay > 0) return begin();
    // A turn of the loop: what arrives together with the first travels in its batch.
    beginning = true;
    queueMicrotask(begin);
  }

  return {
    assertInTime,
    submit: (submission) =>
      new Promise((resolve, reject) => {
        if (closed) refuse('SHUTTING_DOWN', 'this instance is shutting down; ask another');
        if (line.length() >= queueLimit) overloaded(`${queueLimit} writes already wait`, queueLimit);
        assertInTime(1, submission.deadline);
        line.join({ submission, book: bookKeyText(submission.key), resolve, reject });
        beginSoon();
      }),
    drain: async () => {
      closed = true;
      if (isIdle()) drained.resolve();
      await drained.promise;
    },
  };
}

/**
 * What waits its turn, in order of arrival. What was taken holds its books until it is released: what else is wanted of
 * them stays in line, so that no book is in two batches at a time and the writes of each keep their order.
 */
function createLine() {
  let line: Waiting[] = [];
  const held = new Set<string>();
  let free = 0;
  const isFree = ({ book }: Waiting) => !held.has(book);
  const recount = () => (free = line.reduce((count, one) => count + Number(isFree(one)), 0));
  return {
    length: () => line.length,
    /** How many could be taken now. */
    free: () => free,
    join(one: Waiting): void {
      line.push(one);
      if (isFree(one)) free += 1;
    },
    /** The first that may be taken, `most` at most. Of those that are not `wanted` any more nothing stays in line. */
    take(most: number, wanted: (one: Waiting) => boolean): readonly Waiting[] {
      const taken: Waiting[] = [];
      const left: Waiting[] = [];
      for (const one of line) {
        if (taken.length === most || !isFree(one)) left.push(one);
        else if (wanted(one)) taken.push(one);
      }
      line = left;
      for (const { book } of taken) held.add(book);
      recount();
      return taken;
    },
    release(taken: readonly Waiting[]): void {
      for (const { book } of taken) held.delete(book);
      recount();
    },
  };
}

/** How far apart batches have ended of late: half of it the last time. */
function createPace(now: () => number) {
  let [batchMs, lastEnd] = [0, 0];
  return {
    batchMs: () => batchMs,
    /** Gives what is to be called when the batch has ended. */
    begin: () => {
      const began = now();
      return () => {
        const ended = now();
        batchMs = (batchMs + ended - Math.max(began, lastEnd)) / 2;
        lastEnd = ended;
      };
    },
  };
}

/**
 * Commits a batch and tells every caller. A batch that the database refuses, or that conflicts again when tried again, is
 * split until the culprit stands alone: whatever one write runs into, nobody who shares its batch does.
 */
async function commitAndTell(
  commit: QueueOptions['commit'],
  batch: readonly Waiting[],
  attempt: number,
): Promise<void> {
  try {
    const results = await commit(batch.map((one) => one.submission));
    for (const [i, result] of results.entries()) {
      if (result.ok) batch[i]!.resolve(result.message);
      else batch[i]!.reject(result.error);
    }
  } catch (error) {
    const failure = classify(error);
    const attempts = batch.length > 1 ? ATTEMPTS.together : ATTEMPTS.alone;
    if (failure === 'conflict' && attempt < attempts) return commitAndTell(commit, batch, attempt + 1);
    // A lost connection says nothing about the batch, which may have happened; one that none could be had for did not begin.
    const isOfTheBatch = failure !== 'unavailable' && failure !== 'busy';
    if (isOfTheBatch && batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      await commitAndTell(commit, batch.slice(0, half), 1);
      return commitAndTell(commit, batch.slice(half), 1);
    }
    const told = refusalOf(
      error,
      'whether the write happened is unknown, repeat it with its idempotency_key',
    );
    for (const one of batch) one.reject(told ?? error);
  }
}

/** Answers a caller whose deadline has passed while it waited: nothing was done for it. */
function isStillWanted({ submission, reject }: Waiting, now: number, queueLimit: number): boolean {
  if (now < submission.deadline) return true;
  try {
    return overloaded('the deadline passed while the write waited', queueLimit);
  } catch (error) {
    reject(error);
    return false;
  }
}

const overloaded = (why: string, limit: number): never =>
  refuse('OVERLOADED', `${why}; nothing was written`, { limit: String(limit) });
