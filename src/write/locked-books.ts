import { RefusalError } from '../refusal.ts';

/** What the callers of a book are told that somebody else has locked for longer than is waited. */
export const lockedBook = (): RefusalError =>
  new RefusalError({
    reason: 'CONFLICT',
    message: "somebody else holds the customer's book; nothing was written",
    metadata: {},
  });

/** A book that somebody else has locked. */
export type LockedBook = {
  /** When it was found so, in the queue's milliseconds. */
  readonly since: number;
  /** How often it has been found so. More than once: it is stuck, for it has been waited for in vain. */
  readonly tries: number;
};

/** The books of a queue that somebody else has locked; those that were tried longest ago come first. */
export function createLockedBooks() {
  const locked = new Map<string, LockedBook>();
  return {
    has: (book: string): boolean => locked.has(book),
    get: (book: string): LockedBook | undefined => locked.get(book),
    /** It was tried, and found locked or had. */
    tried(book: string, isLocked: boolean, now: number): void {
      const { since, tries } = locked.get(book) ?? { since: now, tries: 0 };
      locked.delete(book);
      if (isLocked) locked.set(book, { since, tries: tries + 1 });
    },
    /**
     * Shares out a batch among those that are stuck, or those that are not: to each the same, `most` in all. Says of a
     * submission of a book whether there is room for it still.
     */
    shares(most: number, stuck: boolean): (book: string) => boolean {
      const books = [...locked].filter(([, { tries }]) => tries > 1 === stuck).slice(0, most);
      const left = new Map(books.map(([book]) => [book, Math.floor(most / books.length)]));
      return (book) => {
        const share = left.get(book) ?? 0;
        left.set(book, share - 1);
        return share > 0;
      };
    },
    /** Forgets those that nobody wants. */
    keep(isWanted: (book: string) => boolean): void {
      for (const book of locked.keys()) if (!isWanted(book)) locked.delete(book);
    },
  };
}
