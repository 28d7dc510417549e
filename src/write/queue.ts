import { refuse } from '../refusal.ts';
import { bookKeyText } from '../tables/book-key.ts';
import {
  AGAIN,
  commitAndTell,
  FIRST,
  PATIENCE_MS,
  PATIENT,
  type Attempt,
  type Committing,
} from './commit-and-tell.ts';
import { createLine, type Line, type Waiting } from './line.ts';
import { lockedBook } from './locked-books.ts';
import type { Submission } from './submission.ts';

export type QueueOptions = Committing & {
  /** The most submissions in one transaction. */
  readonly batchSize: number;
  /** The most submissions that wait; one more is refused with OVERLOADED. As many may wait for books that somebody else has locked. */
  readonly queueLimit: number;
  /** Resolves after so many milliseconds: those of who has a lock, which is no matter of our clock. */
  readonly pause: (ms: number) => Promise<void>;
};

export type Queue = {
  submit(submission: Submission): Promise<unknown>;
  /** Whether one more would find a place, and be done by a deadline at the pace of the last batches. */
  isInTime(deadline: number): boolean;
  /** Throws OVERLOADED if so many more would not be done by a deadline, at the pace of the last batches. */
  assertInTime(more: number, deadline: number): void;
  counts(): QueueCounts;
  /** Refuses what comes, and resolves when all that waits is done. */
  drain(): Promise<void>;
};

export type QueueCounts = {
  /** Writes that wait for their turn, and those whose book somebody else has locked. */
  readonly waiting: number;
  readonly aside: number;
  /** Batches in the database, but for those of locked books. */
  readonly underWay: number;
  /** How long the write that has waited longest has. */
  readonly oldestMs: number;
};

/** What has been tried less often is not given up: time may have passed in which nothing was tried. */
const TRIES = 3;

/** Between two tries at books that have been waited for in vain. */
const RETRY_MS = 20;

/** Others that were let in at the same time are not in line yet, and all have to be decoded and answered, too. */
const MARGIN = 2;

/** Batches in the database at a time: one of whatever waits, and beside it only a full one. */
const AT_ONCE = 2;

/**
 * A queue with group commit: while a batch is in the database the next one gathers; an idle queue adds no wait. Where
 * enough waits for a full batch, it is decided while the one before is stored; fewer wait, because two small batches
 * cost twice what one costs. Writes of one book are never in two batches at a time, so each book's keep their order.
 *
 * A batch goes on without the books that somebody else has locked. Their writes are tried again in batches of their own,
 * beside those of everybody else, and refused with CONFLICT once they have waited for {@link PATIENCE_MS}.
 *
 * Bounded in length and in time: past the bound, or where the caller's deadline would pass before its turn, the answer is
 * OVERLOADED at once.
 */
export function createQueue(options: QueueOptions): Queue {
  const { batchSize, queueLimit, now } = options;
  const line = createLine();
  const carrier = createCarrier(options, line);
  let closed = false;

  /** How long so many more would take. Idle it begins at once: however slow the last batch was, the next is the first to tell. */
  function expectedMsOf(more: number): number {
    const underWay = carrier.underWay();
    const ahead = line.length();
    if (underWay + ahead === 0) return 0;
    // Those under way, and those that carry what waits and what comes.
    const batches = underWay + Math.ceil((ahead + more) / batchSize);
    return Math.round(batches * carrier.batchMs());
  }

  function assertInTime(more: number, deadline: number): void {
    const expectedMs = expectedMsOf(more);
    if (expectedMs === 0 || now() + expectedMs <= deadline) return;
    const ahead = line.length();
    overloaded(`${ahead} writes wait, this one for ${expectedMs} ms, past its deadline`, ahead);
  }

  /** Throws where there is no room for one more of this book. */
  function assertRoom(book: string, deadline: number): void {
    if (line.isAside(book)) {
      if (line.aside() >= queueLimit) throw lockedBook();
      return;
    }
    if (line.length() >= queueLimit) overloaded(`${queueLimit} writes already wait`, queueLimit);
    assertInTime(1, deadline);
  }

  return {
    isInTime(deadline) {
      const expectedMs = expectedMsOf(1);
      return line.length() < queueLimit && (expectedMs === 0 || now() + MARGIN * expectedMs <= deadline);
    },
    assertInTime,
    submit: (submission) =>
      new Promise((resolve, reject) => {
        if (closed) refuse('SHUTTING_DOWN', 'this instance is shutting down; ask another');
        const book = bookKeyText(submission.key);
        assertRoom(book, submission.deadline);
        line.join({ submission, book, came: now(), cause: options.observer?.cause(), resolve, reject });
        carrier.begin();
      }),
    counts: () => ({
      waiting: line.length(),
      aside: line.aside(),
      underWay: carrier.underWay(),
      oldestMs: now() - (line.oldestCame() ?? now()),
    }),
    drain: async () => {
      closed = true;
      await carrier.drained();
    },
  };
}

/** Takes batches from the line to the database, as many at a time as go well. */
function createCarrier(options: QueueOptions, line: Line) {
  const { batchSize, queueLimit, now } = options;
  const pace = createPace(now);
  let underWay = 0;
  let beginning = false;
  let tryingLocked = false;
  let draining = false;
  const drained = Promise.withResolvers<void>();

  function begin(): void {
    beginning = false;
    while (underWay === 0 ? line.free() > 0 : underWay < AT_ONCE && line.free() >= batchSize) {
      const time = now();
      const batch = line.take(batchSize, (one) => isStillWanted(one, time, queueLimit));
      if (batch.length > 0) void carryOut(batch);
    }
    if (draining && underWay + line.length() + line.aside() === 0 && !tryingLocked) drained.resolve();
  }

  async function carryOut(batch: readonly Waiting[]): Promise<void> {
    underWay += 1;
    const ended = pace.begin();
    const left = await commitAndTell(options, batch, FIRST);
    ended();
    underWay -= 1;
    line.release(batch, left, now());
    if (line.aside() > 0 && !tryingLocked) void carryOutLocked();
    begin();
  }

  async function carryOutLocked(): Promise<void> {
    tryingLocked = true;
    await tryLocked(options, line, begin);
    tryingLocked = false;
    begin();
  }

  return {
    /** How many batches are in the database, but for those of locked books. */
    underWay: () => underWay,
    batchMs: pace.batchMs,
    begin(): void {
      if (beginning) return;
      if (underWay > 0) return begin();
      // A turn of the loop: what arrives together with the first travels in its batch.
      beginning = true;
      queueMicrotask(begin);
    },
    /** Resolves when nothing waits any more. */
    drained(): Promise<void> {
      draining = true;
      begin();
      return drained.promise;
    },
  };
}

/** Tries what waits for books that somebody else has locked, as long as anything does; `released`: others may begin. */
async function tryLocked(options: QueueOptions, line: Line, released: () => void): Promise<void> {
  const { batchSize, now, pause } = options;
  const carryOut = async (batch: readonly Waiting[], attempt: Attempt) => {
    if (batch.length === 0) return;
    line.release(batch, await commitAndTell(options, batch, attempt), now());
    released();
  };
  while (line.aside() > 0) {
    const time = now();
    const gone = line.giveUp(
      ({ submission }, { since, tries }) =>
        time >= submission.deadline || (time - since >= PATIENCE_MS && tries >= TRIES),
    );
    for (const { reject } of gone) reject(lockedBook());
    const patient = line.takeAside(batchSize, false);
    if (patient.length === 0) await pause(RETRY_MS);
    await carryOut(patient, PATIENT);
    // Apart: what is waited for in vain must not be waited for by those who would soon have their turn.
    await carryOut(line.takeAside(batchSize, true), AGAIN);
  }
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

/** Answers a caller who has left, or whose deadline has passed, while it waited: nothing was done for it. */
function isStillWanted({ submission, reject }: Waiting, now: number, queueLimit: number): boolean {
  if (now < submission.deadline && submission.signal?.aborted !== true) return true;
  try {
    return overloaded('the deadline passed while the write waited', queueLimit);
  } catch (error) {
    reject(error);
    return false;
  }
}

const overloaded = (why: string, limit: number): never =>
  refuse('OVERLOADED', `${why}; nothing was written`, { limit: String(limit) });
