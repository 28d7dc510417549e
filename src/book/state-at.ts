import { advanceTo } from '../credit/advance-to.ts';
import { emptyBook, type BookState, type Outcome } from '../credit/book-state.ts';
import type { Advance, Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { advancesOf, chargesOf, grantsOf } from '../credit/pools.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import type { StoredGrant } from '../tables/grants.ts';
import { advancesAsKnown } from './advance-history.ts';
import { grantsAsKnown } from './as-known.ts';
import type { BookCache, OpenBook } from './book-cache.ts';
import { chargesAsKnown } from './charge-history.ts';
import { loadOpen, openBooks, type Marked } from './open-book.ts';
import { advancesOpenThen, chargesOpenThen, grantsOpenThen } from './open-then.ts';
import { atClock, type BookView, type WrittenView } from './view.ts';

/** What figures are put together from. */
export type Parts = {
  readonly grants: readonly Grant[];
  readonly advances: readonly Advance[];
  readonly charges: readonly Charge[];
};

/**
 * The open state of a book at the version a question knows, run forward to the instant it asks about, which must not
 * lie before the version's clock. For the latest version the projections are the state; for an earlier one it is
 * rebuilt from the facts known then and the journal's running totals. `named` grants are included, open or not.
 */
export async function stateAt(
  connection: Connection,
  view: BookView,
  named: readonly StoredGrant[] = [],
): Promise<BookState> {
  return (await runForward(connection, view, named)).state;
}

/** The same, with the postings that lie between what is booked and the instant asked about: the forecast. */
export async function runForward(
  connection: Connection,
  view: BookView,
  named: readonly StoredGrant[] = [],
): Promise<Outcome> {
  if (view.bookId === null) return { state: emptyBook(view.asOf), postings: [], reductions: [] };
  const facts = view.current
    ? await current(connection, view, named)
    : await rebuild(connection, view, named);
  return advanceTo(assemble(view, facts), view.asOf);
}

async function current(
  connection: Connection,
  book: Placed,
  named: readonly StoredGrant[],
): Promise<OpenFacts> {
  const open = (await loadOpen(connection, [book]))(book.bookId);
  const closed = named.map(({ grant }) => grant).filter(({ id }) => !open.grants.has(id));
  return { ...open, grants: closed.reduce((grants, grant) => grants.with(grant), open.grants) };
}

/** The state a book had at an earlier version, by what was known at it; `named` grants are included, open or not. */
async function rebuild(
  connection: Connection,
  view: WrittenView,
  named: readonly StoredGrant[],
): Promise<OpenFacts> {
  const point = atClock(view);
  const [openThen, advancesThen, chargesThen] = await awaitAll([
    grantsOpenThen(connection, point),
    advancesOpenThen(connection, point),
    chargesOpenThen(connection, point),
  ]);
  const [grants, advances, charges] = await awaitAll([
    grantsAsKnown(connection, point, [...named, ...openThen]),
    advancesAsKnown(connection, point, advancesThen),
    chargesAsKnown(connection, point, chargesThen),
  ]);
  return { grants: grantsOf(grants), advances: advancesOf(advances), charges: chargesOf(charges) };
}

/** The open states of many books at their latest versions, each run forward to an instant; by book id. */
export async function statesNow(
  connection: Connection,
  kept: BookCache,
  books: readonly (Marked & Pick<BookView, 'asOf'>)[],
): Promise<ReadonlyMap<number, BookState>> {
  const open = await openBooks(connection, kept, books);
  return new Map(books.map((book) => [book.id, stateNow(book, open.get(book.id)!)]));
}

/** The state of an open book at its latest version, run forward to an instant. */
export const stateNow = (book: Pick<BookView, 'version' | 'clock' | 'asOf'>, open: OpenBook): BookState =>
  advanceTo(assemble(book, open), book.asOf).state;

/** What lies ahead in many books, each as known at its version: as many statements for the latest ones as for one. */
export async function runAllForward(
  connection: Connection,
  views: readonly WrittenView[],
): Promise<readonly Outcome[]> {
  if (views.length === 0) return [];
  const latest = views.filter((view) => view.current);
  const [openOf, rebuilt] = await awaitAll([
    loadOpen(connection, latest),
    awaitAll(views.filter((view) => !view.current).map((view) => runForward(connection, view))),
  ]);
  return [...latest.map((view) => advanceTo(assemble(view, openOf(view.bookId)), view.asOf)), ...rebuilt];
}

type OpenFacts = Pick<BookState, 'grants' | 'advances' | 'charges'>;

/** The state of a book at a version in which nothing but what is open has been asked for. */
export const assemble = (
  { version, clock }: Pick<BookState, 'version' | 'clock'>,
  { grants, advances, charges }: OpenFacts,
): BookState => ({ ...emptyBook(clock), version, grants, advances, charges });
