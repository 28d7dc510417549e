import { advanceTo } from '../credit/advance-to.ts';
import { emptyBook, type BookState, type Outcome } from '../credit/book-state.ts';
import { advanceKey } from '../credit/charge.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { byBook, type Placed } from '../db/placement.ts';
import { loadOpenAdvances, readAdvance } from './advance-rows.ts';
import { loadOpenCharges, readCharge } from './charge-rows.ts';
import { loadOpenGrants, readGrant, type StoredGrant } from './grant-rows.ts';
import { rebuild, type Parts } from './rebuild.ts';
import type { BookView } from './view.ts';

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
  if (view.id === null) return { state: emptyBook(view.asOf), postings: [], reductions: [] };
  const parts = view.current
    ? await current(connection, { shard: view.shard, bookId: view.id }, named)
    : await rebuild(connection, view, view.id, named);
  return advanceTo(assemble(view, parts), view.asOf);
}

async function current(connection: Connection, book: Placed, named: readonly StoredGrant[]): Promise<Parts> {
  const { grants, ...parts } = (await loadOpen(connection, [book]))(book.bookId);
  return { ...parts, grants: [...named.map((own) => own.grant), ...grants] };
}

/** The open states of many books at their latest versions, each run forward to an instant; by book id. */
export async function statesNow(
  connection: Connection,
  books: readonly (Placed & Pick<BookView, 'version' | 'clock' | 'asOf'>)[],
): Promise<ReadonlyMap<string, BookState>> {
  if (books.length === 0) return new Map();
  const partsOf = await loadOpen(connection, books);
  return new Map(
    books.map((book) => [book.bookId, advanceTo(assemble(book, partsOf(book.bookId)), book.asOf).state]),
  );
}

/** What lies ahead in many books, each as known at its version: as many statements for the latest ones as for one. */
export async function runAllForward(
  connection: Connection,
  views: readonly (BookView & Placed)[],
): Promise<readonly Outcome[]> {
  if (views.length === 0) return [];
  const latest = views.filter((view) => view.current);
  const [partsOf, rebuilt] = await settleAll([
    loadOpen(connection, latest),
    settleAll(views.filter((view) => !view.current).map((view) => runForward(connection, view))),
  ]);
  return [...latest.map((view) => advanceTo(assemble(view, partsOf(view.bookId)), view.asOf)), ...rebuilt];
}

/** What is open in some books: three statements, whatever their number. */
async function loadOpen(
  connection: Connection,
  books: readonly Placed[],
): Promise<(bookId: string) => Parts> {
  const [grants, advances, charges] = await settleAll([
    loadOpenGrants(connection, books),
    loadOpenAdvances(connection, books),
    loadOpenCharges(connection, books),
  ]);
  const grantsOf = byBook(grants);
  const advancesOf = byBook(advances);
  const chargesOf = byBook(charges);
  return (bookId) => ({
    grants: grantsOf(bookId).map((row) => readGrant(row).grant),
    advances: advancesOf(bookId).map(readAdvance),
    charges: chargesOf(bookId).map((row) => readCharge(row).charge),
  });
}

const assemble = (
  { version, clock }: Pick<BookView, 'version' | 'clock'>,
  { grants, advances, charges }: Parts,
): BookState => ({
  ...{ version, clock, historyFrom: clock },
  grants: new Map(grants.map((grant) => [grant.id, grant])),
  advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
  charges: new Map(charges.map((charge) => [charge.id, charge])),
  allocations: new Map(),
  posted: new Map(),
});
