import type { BookKey } from '../tables/book-key.ts';
import { committedSince, type CommittedWrite } from '../live/committed-writes.ts';
import { stateAt } from '../book/state-at.ts';
import { NOW } from '../book/view.ts';
import type { BookState } from '../credit/book-state.ts';
import { ask, type QueryDeps } from '../book/questions.ts';
import { awaitAll } from '../db/database.ts';

/** A book as a watch keeps it: the open state from which every figure now and later is computed in memory. */
export type BookNow = {
  /** Null: nobody has written about this customer yet. */
  readonly bookId: string | null;
  readonly version: number;
  /** At the instant its version was recorded. */
  readonly state: BookState;
  /** Each currency of a grant, charge or adjustment, sorted. */
  readonly currencies: readonly string[];
  /** What was written after the version known before. */
  readonly writes: readonly CommittedWrite[];
};

/** Loads a book with the same statements as a balance, and what was written to it after version `since`; null: nobody asks. */
export const loadBook = (deps: QueryDeps, key: BookKey, since: number | null): Promise<BookNow> =>
  ask(deps, { key, minVersion: 0, ...NOW }, async (connection, view) => {
    const { bookId, shard, version, currencies, now } = view;
    const booked = { ...view, asOf: bookId === null ? now : view.clock };
    const [state, writes] = await awaitAll([
      stateAt(connection, booked),
      bookId === null || since === null
        ? Promise.resolve<readonly CommittedWrite[]>([])
        : committedSince(connection, { shard, bookId, version }, since),
    ]);
    return { bookId, version, state, currencies, writes };
  });
