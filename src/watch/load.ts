import type { BookCache } from '../book/book-cache.ts';
import type { QueryDeps } from '../book/questions.ts';
import { statesNow } from '../book/state-at.ts';
import { isWritten, locateNow, markOf } from '../book/view.ts';
import { emptyBook, type BookState } from '../credit/book-state.ts';
import { awaitAll } from '../db/database.ts';
import { committedSince, type CommittedWrite } from '../live/committed-writes.ts';
import type { BookKey } from '../tables/book-key.ts';

/** A book as a watch keeps it: the open state from which every figure now and later is computed in memory. */
export type BookNow = {
  /** Null: nobody has written about this customer yet. */
  readonly bookId: number | null;
  readonly version: number;
  /** At the instant its version was recorded. */
  readonly state: BookState;
  /** Each currency of a grant, charge or adjustment, sorted. */
  readonly currencies: readonly string[];
  /** What was written after the version known before. */
  readonly writes: readonly CommittedWrite[];
};

/** A book to be loaded, with what was written to it after version `since`; null: nobody asks for that. */
export type BookToLoad = { readonly key: BookKey; readonly since: number | null };

export type BookLoadDeps = QueryDeps & { readonly kept: BookCache };

/**
 * Loads books as they are at one moment, in their order: with the statements of one balance, however many there are,
 * and one more for each of those that were known before.
 */
export const loadBooks = (
  { database, clock, kept }: BookLoadDeps,
  asked: readonly BookToLoad[],
): Promise<readonly BookNow[]> =>
  database.snapshot(async (connection) => {
    const views = await locateNow(connection, clock, asked);
    const written = views.filter(isWritten);
    const atItsClock = written.map((view) => ({ ...markOf(view), asOf: view.clock }));
    const [states, writes] = await awaitAll([
      statesNow(connection, kept, atItsClock),
      awaitAll(
        views.map(async ({ shard, bookId, version }, i) => {
          const { since } = asked[i]!;
          return bookId === null || since === null
            ? []
            : committedSince(connection, { shard, bookId, version }, since);
        }),
      ),
    ]);
    return views.map(({ bookId, version, currencies, now }, i) => ({
      bookId,
      version,
      state: bookId === null ? emptyBook(now) : states.get(bookId)!,
      currencies,
      writes: writes[i]!,
    }));
  });
