import { advanceTo } from '../credit/advance-to.ts';
import { emptyBook, type BookState, type Outcome } from '../credit/book-state.ts';
import { advanceKey } from '../credit/charge.ts';
import { settleAll, type Connection } from '../db/database.ts';
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
    ? (await current(connection, view.shard, [view.id], named))(view.id)
    : await rebuild(connection, view, view.id, named);
  return advanceTo(assemble(view, parts), view.asOf);
}

/** The same for many books of one shard: as many statements for those at their latest version as for one of them. */
export async function runAllForward(
  connection: Connection,
  shard: number,
  views: readonly (BookView & { readonly id: string })[],
): Promise<readonly Outcome[]> {
  const latest = views.filter((view) => view.current);
  const former = views.filter((view) => !view.current);
  if (views.length === 0) return [];
  const ids = latest.map(({ id }) => id);
  const [parts, rebuilt] = await settleAll([
    current(connection, shard, ids, []),
    settleAll(former.map((view) => runForward(connection, view))),
  ]);
  return [...latest.map((view) => advanceTo(assemble(view, parts(view.id)), view.asOf)), ...rebuilt];
}

/** The open state of books as it stands, by book; `named` grants are in each. */
async function current(
  connection: Connection,
  shard: number,
  bookIds: readonly string[],
  named: readonly StoredGrant[],
): Promise<(bookId: string) => Parts> {
  const [grants, advances, charges] = await settleAll([
    loadOpenGrants(connection, shard, bookIds),
    loadOpenAdvances(connection, shard, bookIds),
    loadOpenCharges(connection, shard, bookIds),
  ]);
  const byBook = {
    grants: Map.groupBy(grants, (row) => row.book_id),
    advances: Map.groupBy(advances, (row) => row.book_id),
    charges: Map.groupBy(charges, (row) => row.book_id),
  };
  return (bookId) => ({
    grants: [
      ...named.map((own) => own.grant),
      ...(byBook.grants.get(bookId) ?? []).map((row) => readGrant(row).grant),
    ],
    advances: (byBook.advances.get(bookId) ?? []).map(readAdvance),
    charges: (byBook.charges.get(bookId) ?? []).map((row) => readCharge(row).charge),
  });
}

const assemble = ({ version, clock }: BookView, { grants, advances, charges }: Parts): BookState => ({
  ...{ version, clock, historyFrom: clock },
  grants: new Map(grants.map((grant) => [grant.id, grant])),
  advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
  charges: new Map(charges.map((charge) => [charge.id, charge])),
  allocations: new Map(),
  posted: new Map(),
});
