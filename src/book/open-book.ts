import { advancesOf, chargesOf, grantsOf } from '../credit/pools.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { byBook } from '../db/table.ts';
import { emptyJournal, type JournalHead } from '../ledger/journal.ts';
import { PersistentMap } from '../persistent-map.ts';
import { loadSubAccounts } from '../ledger/sub-accounts.ts';
import { loadOpenAdvances } from '../tables/advances.ts';
import { loadOpenCharges } from '../tables/charges.ts';
import { loadOpenGrants } from '../tables/grants.ts';
import type { BookMark, BookCache, OpenBook } from './book-cache.ts';

/** An open book with the routes its journal is appended to. */
export type WritableBook = OpenBook & { readonly subAccounts: JournalHead['subAccounts'] };

/** A book whose row has been read, and where its rows lie. */
export type Marked = BookMark & { readonly shard: number };

const NOTHING: WritableBook = {
  grants: grantsOf(),
  charges: chargesOf(),
  advances: advancesOf(),
  stored: PersistentMap.of(),
  subAccounts: emptyJournal.subAccounts,
};

/** What is open in some books, by their ids: at most three statements, and none for those that are kept. */
export const openBooks = (
  connection: Connection,
  kept: BookCache,
  books: readonly Marked[],
): Promise<ReadonlyMap<number, OpenBook>> => openBut(connection, kept, books, keptAmong(kept, books));

/** The same for books that are to be written: one statement more for those whose sub-accounts are not kept. */
export async function writableBooks(
  connection: Connection,
  kept: BookCache,
  books: readonly Marked[],
): Promise<ReadonlyMap<number, WritableBook>> {
  const found = keptAmong(kept, books);
  const unrouted = books.filter(({ id }) => (found.get(id)?.subAccounts ?? null) === null).map(placeOf);
  const [open, subAccounts] = await awaitAll([
    openBut(connection, kept, books, found),
    loadSubAccounts(connection, unrouted),
  ]);
  for (const { bookId } of unrouted) {
    const routes = subAccounts.get(bookId) ?? NOTHING.subAccounts;
    open.set(bookId, { ...open.get(bookId)!, subAccounts: routes });
  }
  return open as ReadonlyMap<number, WritableBook>;
}

/** What is kept of some books, by their ids. */
function keptAmong(kept: BookCache, books: readonly Marked[]): Map<number, OpenBook> {
  const found = new Map<number, OpenBook>();
  for (const mark of books) {
    const open = kept.find(mark);
    if (open !== undefined) found.set(mark.id, open);
  }
  return found;
}

/** Adds to those that are kept the others. */
async function openBut(
  connection: Connection,
  kept: BookCache,
  books: readonly Marked[],
  found: ReadonlyMap<number, OpenBook>,
): Promise<Map<number, OpenBook>> {
  const unknown = books.filter(({ id }) => !found.has(id));
  const loaded = await loadOpen(connection, unknown.map(placeOf));
  const open = new Map(found);
  for (const mark of unknown) {
    const own = loaded(mark.id);
    open.set(mark.id, own);
    kept.keep(mark, own);
  }
  return open;
}

/** The same as the database has it: three statements, whatever the number of books. */
export async function loadOpen(
  connection: Connection,
  places: readonly Placed[],
): Promise<(bookId: number) => OpenBook> {
  if (places.length === 0) return () => NOTHING;
  const [grants, charges, advances] = await awaitAll([
    loadOpenGrants(connection, places),
    loadOpenCharges(connection, places),
    loadOpenAdvances(connection, places),
  ]);
  const storedIn = byBook(grants);
  const chargesIn = byBook(charges);
  const advancesIn = byBook(advances);
  return (id) => {
    const stored = storedIn(id);
    return {
      grants: grantsOf(stored.map(({ grant }) => grant)),
      charges: chargesOf(chargesIn(id).map(({ charge }) => charge)),
      advances: advancesOf(advancesIn(id)),
      stored: PersistentMap.of(stored.map((own) => [own.grant.id, own])),
      subAccounts: null,
    };
  };
}

const placeOf = ({ shard, id: bookId }: Marked): Placed => ({ shard, bookId });
