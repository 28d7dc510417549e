import type { Undone } from './answer-one.ts';
import type { Caused } from './batch-observer.ts';
import { createLockedBooks, type LockedBook } from './locked-books.ts';
import type { Submission } from './submission.ts';

/** A submission in line, and its caller. */
export type Waiting = Caused & {
  readonly submission: Submission;
  /** Its book, as the text of the book's key. */
  readonly book: string;
  /** When it came, in the queue's milliseconds. */
  readonly came: number;
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** What of a batch nothing was done of, by why; in order, and of one book for one reason only. */
export type Left = Readonly<Record<Undone, readonly Waiting[]>>;

/** What becomes of one that is looked at: it is taken, it leaves the line, or it stays. */
type Fate = 'taken' | 'gone' | 'stays';

export type Line = ReturnType<typeof createLine>;

/**
 * What waits its turn, in order of arrival. What was taken keeps its books until it is released: what else is wanted of
 * them stays in line, so that no book is in two batches at a time and the writes of each keep their order.
 *
 * A book that somebody else has locked steps aside with all that is wanted of it: it takes no place from other books, and
 * is tried by itself until it is had.
 */
export function createLine() {
  let line: Waiting[] = [];
  const taken = new Set<string>();
  const locked = createLockedBooks();
  /** How many wait whose book somebody else has locked, or is in a batch; and how many could be taken. */
  let counts = { aside: 0, busy: 0, free: 0 };
  const placeOf = ({ book }: Waiting) => (locked.has(book) ? 'aside' : taken.has(book) ? 'busy' : 'free');

  function recount(): void {
    counts = { aside: 0, busy: 0, free: 0 };
    for (const one of line) counts[placeOf(one)] += 1;
  }

  function look(fateOf: (one: Waiting) => Fate): Readonly<Record<Fate, readonly Waiting[]>> {
    const fates = { taken: [] as Waiting[], gone: [] as Waiting[], stays: [] as Waiting[] };
    for (const one of line) fates[fateOf(one)].push(one);
    line = fates.stays;
    for (const { book } of fates.taken) taken.add(book);
    const wanted = new Set(line.map(({ book }) => book));
    locked.keep((book) => wanted.has(book) || taken.has(book));
    recount();
    return fates;
  }

  return {
    /** How many wait, but for those whose book has stepped aside. */
    length: () => line.length - counts.aside,
    /** How many wait whose book has stepped aside. */
    aside: () => counts.aside,
    /** When the one that has waited longest came; undefined: nobody waits. */
    oldestCame: () => oldestOf(line),
    isAside: locked.has,
    /** How many could be taken now. */
    free: () => counts.free,
    join(one: Waiting): void {
      line.push(one);
      counts[placeOf(one)] += 1;
    },
    /** The first that may be taken, `most` at most. Of those that are not `wanted` any more nothing stays in line. */
    take(most: number, wanted: (one: Waiting) => boolean): readonly Waiting[] {
      let room = most;
      return look((one) => {
        if (room === 0 || placeOf(one) !== 'free') return 'stays';
        if (!wanted(one)) return 'gone';
        room -= 1;
        return 'taken';
      }).taken;
    },
    /** Of the books that have stepped aside, those that are stuck or those that are not: the first of each, `most` in all. */
    takeAside(most: number, stuck: boolean): readonly Waiting[] {
      const hasRoom = locked.shares(most, stuck);
      return look(({ book }) => (hasRoom(book) ? 'taken' : 'stays')).taken;
    },
    /** Ends a batch. What is left of it stays first in line. */
    release(batch: readonly Waiting[], left: Left, now: number): void {
      const isLocked = new Set(left.locked.map(({ book }) => book));
      for (const book of new Set(batch.map((one) => one.book))) {
        taken.delete(book);
        locked.tried(book, isLocked.has(book), now);
      }
      line = [...left.locked, ...left.unbegun, ...line];
      recount();
    },
    /** Those who have had enough of waiting for a locked book, told since when they do; they are no longer in line. */
    giveUp: (hasHadEnough: (one: Waiting, book: LockedBook) => boolean): readonly Waiting[] =>
      look((one) => {
        const book = locked.get(one.book);
        if (book === undefined) return 'stays';
        return hasHadEnough(one, { ...book, since: Math.max(book.since, one.came) }) ? 'gone' : 'stays';
      }).gone,
  };
}

const oldestOf = (line: readonly Waiting[]): number | undefined =>
  line.reduce<number | undefined>((oldest, { came }) => Math.min(oldest ?? came, came), undefined);
