import type { Advances, Charges, Grants } from '../credit/pools.ts';
import type { Instant } from '../instant.ts';
import type { JournalHead } from '../ledger/journal.ts';
import type { PersistentMap } from '../persistent-map.ts';
import type { StoredGrant } from '../tables/grants.ts';

/** What tells one state of a book from every other, also from one that a restored backup or a promoted replica lost. */
export type BookMark = {
  readonly id: number;
  readonly version: number;
  readonly clock: Instant;
  readonly headHash: Buffer;
};

/** What is open in a book at one version: all that can still change by itself or be drawn on. Never changed in place. */
export type OpenBook = {
  /** Without their moves and former times, which only some questions need. */
  readonly grants: Grants;
  readonly charges: Charges;
  readonly advances: Advances;
  /** The same grants as they are stored. */
  readonly stored: PersistentMap<StoredGrant>;
  /** Null where nobody has needed them: only writes do. */
  readonly subAccounts: JournalHead['subAccounts'] | null;
};

/**
 * The open state of books as this process last stored or loaded them. The row in `books` says which state is the book's;
 * one that is kept need not be loaded. Whoever asks has that row in hand, under its lock or from its own snapshot, so
 * nothing kept is ever trusted for longer than a statement, and dropping any of it changes no answer.
 */
export type BookCache = {
  /** Undefined unless exactly the marked state is kept. */
  find(mark: BookMark): OpenBook | undefined;
  keep(mark: BookMark, open: OpenBook): void;
};

export type CountedBookCache = BookCache & { counts(): BookCacheCounts };

export type BookCacheCounts = {
  readonly books: number;
  /** What the limit is counted in. */
  readonly facts: number;
  readonly limit: number;
  /** How often the state asked for was kept, and how often not. */
  readonly hits: number;
  readonly misses: number;
};

/**
 * @param limit The most facts kept over all books, each book counting for one more than it has; those asked for
 *   longest ago go first. A fact takes about a kilobyte. 0 keeps nothing.
 */
export function createBookCache(limit: number): CountedBookCache {
  // A map remembers the order of insertion: the first is the one asked for longest ago.
  const books = new Map<number, Kept>();
  let facts = 0;
  let [hits, misses] = [0, 0];

  function drop(id: number): void {
    facts -= books.get(id)?.facts ?? 0;
    books.delete(id);
  }

  function find(mark: BookMark): OpenBook | undefined {
    const kept = books.get(mark.id);
    if (kept === undefined || kept.version !== mark.version || kept.clock !== mark.clock) return undefined;
    if (kept.hash !== textOf(mark.headHash)) return undefined;
    books.delete(mark.id);
    books.set(mark.id, kept);
    return kept.open;
  }

  return {
    find(mark) {
      const found = find(mark);
      if (found === undefined) misses += 1;
      else hits += 1;
      return found;
    },
    keep(mark, open) {
      const { grants, charges, advances, subAccounts } = open;
      const own = 1 + grants.size + charges.size + advances.size + (subAccounts?.size ?? 0);
      drop(mark.id);
      if (own > limit) return;
      const { version, clock, headHash } = mark;
      books.set(mark.id, { version, clock, hash: textOf(headHash), open, facts: own });
      facts += own;
      for (const id of books.keys()) {
        if (facts <= limit) return;
        drop(id);
      }
    },
    counts: () => ({ books: books.size, facts, limit, hits, misses }),
  };
}

/** `facts`: how many it counts for. */
type Kept = Pick<BookMark, 'version' | 'clock'> & {
  readonly hash: string;
  readonly open: OpenBook;
  readonly facts: number;
};

// As text: a small buffer would hold on to the large one it was cut from.
const textOf = (hash: Buffer): string => hash.toString('latin1');
