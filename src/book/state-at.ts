import { advanceTo } from '../credit/advance-to.ts';
import { emptyBook, type BookState, type Outcome } from '../credit/book-state.ts';
import { advanceKey, type Advance, type Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
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

/** What a state is put together from. */
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
  const parts = view.current
    ? await current(connection, view, named)
    : await rebuild(connection, view, named);
  return advanceTo(assemble(view, parts), view.asOf);
}

async function current(connection: Connection, book: Placed, named: readonly StoredGrant[]): Promise<Parts> {
  const { grants, ...parts } = partsOf((await loadOpen(connection, [book]))(book.bookId));
  return { ...parts, grants: [...named.map((own) => own.grant), ...grants] };
}

/** The state a book had at an earlier version, by what was known at it; `named` grants are included, open or not. */
async function rebuild(
  connection: Connection,
  view: WrittenView,
  named: readonly StoredGrant[],
): Promise<Parts> {
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
  return { grants, advances, charges };
}

/** The open states of many books at their latest versions, each run forward to an instant; by book id. */
export async function statesNow(
  connection: Connection,
  kept: BookCache,
  books: readonly (Marked & Pick<BookView, 'asOf'>)[],
): Promise<ReadonlyMap<string, BookState>> {
  const open = await openBooks(connection, kept, books);
  return new Map(books.map((book) => [book.id, stateNow(book, open.get(book.id)!)]));
}

/** The state of an open book at its latest version, run forward to an instant. */
export const stateNow = (book: Pick<BookView, 'version' | 'clock' | 'asOf'>, open: OpenBook): BookState =>
  advanceTo(assemble(book, partsOf(open)), book.asOf).state;

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
  return [
    ...latest.map((view) => advanceTo(assemble(view, partsOf(openOf(view.bookId))), view.asOf)),
    ...rebuilt,
  ];
}

const partsOf = ({ grants, advances, charges }: OpenBook): Parts => ({
  grants: grants.map(({ grant }) => grant),
  advances,
  charges: charges.map(({ charge }) => charge),
});

const assemble = (
  { version, clock }: Pick<BookView, 'version' | 'clock'>,
  { grants, advances, charges }: Parts,
): BookState => ({
  version,
  clock,
  historyFrom: clock,
  grants: new Map(grants.map((grant) => [grant.id, grant])),
  advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
  charges: new Map(charges.map((charge) => [charge.id, charge])),
  allocations: new Map(),
  posted: new Map(),
});
