import type { BookCache } from '../book/book-cache.ts';
import { loadChargeMakers, loadGrantMakers, type FoundMaker } from '../book/makers.ts';
import { writableBooks, type WritableBook } from '../book/open-book.ts';
import type { BookState } from '../credit/book-state.ts';
import { allocationKey, type Allocation } from '../credit/charge.ts';
import { specOf } from '../credit/command.ts';
import { grantsOf, type Charges, type Grants } from '../credit/pools.ts';
import type { Needs } from '../credit/spec.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { booksOnce, type Placed } from '../db/placement.ts';
import { byBook, type FoundFact } from '../db/table.ts';
import { loadPosted } from '../ledger/load-posted.ts';
import { movesSince, type GrantMove } from '../ledger/moves.ts';
import { PersistentMap } from '../persistent-map.ts';
import { loadAccrued, loadAllocations, loadSplitsKept } from '../tables/allocations.ts';
import { bookKeyText } from '../tables/book-key.ts';
import type { BookRow } from '../tables/books.ts';
import { loadCharges, type StoredCharge } from '../tables/charges.ts';
import { formerTimesOf, loadFormerTerms, type FormerTerms } from '../tables/former-terms.ts';
import { loadGrants, loadReclaimable, type StoredGrant } from '../tables/grants.ts';
import type { Remembered } from '../tables/remembered.ts';
import { emptyBatch, type BatchRows } from './batch-rows.ts';
import { openSession, type Session } from './session.ts';
import type { Submission } from './submission.ts';

export type LoadDeps = { readonly connection: Connection; readonly kept: BookCache };

/** What the sessions of a batch share: the answers remembered under its keys, by book and by key, and its rows. */
type Gathered = {
  readonly remembered: ReadonlyMap<string, ReadonlyMap<string, Remembered>>;
  readonly rows: BatchRows;
};

/**
 * Opens a session on each of the books: with nothing to load where their open state is kept and commands need no more,
 * else with a constant number of statements in one round trip. A second one where a command needs what only the first
 * tells: the grants behind a charge's splits, the charges whose advances what falls due may cover, the history since an
 * instant.
 */
export async function loadSessions(
  { connection, kept: cached }: LoadDeps,
  books: readonly BookRow[],
  submissions: readonly Submission[],
  { remembered, rows }: Gathered = { remembered: new Map(), rows: emptyBatch() },
): Promise<ReadonlyMap<string, Session>> {
  const needs = needsOf(books, submissions);
  const [open, found, reclaimable, charges, splits, accrued, kept, posted, makersIn] = await awaitAll([
    writableBooks(connection, cached, books),
    loadGrants(connection, needs.grants),
    loadReclaimable(connection, needs.late),
    loadCharges(connection, needs.charges),
    loadAllocations(connection, needs.splits),
    loadAccrued(connection, needs.accrued),
    loadSplitsKept(connection, needs.accrued),
    loadPosted(connection, needs.transactions),
    loadMakers(connection, needs),
  ]);
  const grants = [...found, ...reclaimable];
  const allocations = [...splits, ...accrued];
  const behind = await loadBehind(connection, needs, { grants, allocations, open });
  const grantsIn = byBook([...grants, ...behind.grants]);
  const chargesIn = byBook([...charges, ...behind.charges]);
  const [allocationsIn, postedIn] = [byBook(allocations), byBook(posted)];
  const [movesIn, keptIn] = [byBook(behind.moves), byBook(kept)];
  const sessions = books.map((book) => {
    const { id, key, shard, feedPosition, version, clock, currencies } = book;
    const name = bookKeyText(key);
    const own = open.get(id)!;
    const named = { ...namedIn(grantsIn(id), chargesIn(id)), makers: makersIn(id) };
    const loaded: BookState = {
      version,
      clock,
      historyFrom: needs.sinceOf.get(id) ?? clock,
      grants: withPast(withNamed(own.grants, named.grants), movesIn(id), behind.formerTerms),
      charges: withNamedCharges(own.charges, named.charges),
      advances: own.advances,
      allocations: PersistentMap.of(allocationsIn(id).map((slice) => [allocationKey(slice.ref), slice])),
      posted: PersistentMap.of(postedIn(id).map((one) => [one.id, one])),
    };
    const session = openSession({
      key,
      name,
      shard,
      bookId: id,
      uuid: book.uuid,
      feedPosition,
      open: own,
      loaded,
      named,
      currencies,
      remembered: remembered.get(name) ?? NONE,
      splitsKept: keptIn(id)[0] ?? { throughVersion: 0 },
      head: { hash: book.headHash, subAccounts: own.subAccounts },
      rows,
    });
    return [name, session] as const;
  });
  return new Map(sessions);
}

const NONE: ReadonlyMap<never, never> = new Map<never, never>();

const mapBy = <One, Key>(all: readonly One[], keyOf: (one: One) => Key): ReadonlyMap<Key, One> =>
  all.length === 0 ? NONE : new Map(all.map((one) => [keyOf(one), one]));

/** Who made the grants and charges that commands name, by id, of each book. */
async function loadMakers(connection: Connection, { grants, charges }: ReturnType<typeof needsOf>) {
  const [ofGrants, ofCharges] = await awaitAll([
    loadGrantMakers(
      connection,
      grants.map(({ grantId, ...book }) => ({ ...book, id: grantId })),
    ),
    loadChargeMakers(
      connection,
      charges.map(({ chargeId, ...book }) => ({ ...book, id: chargeId })),
    ),
  ]);
  const books = Map.groupBy([...ofGrants, ...ofCharges], ({ bookId }) => bookId);
  return (bookId: number): ReadonlyMap<string, FoundMaker> => mapBy(books.get(bookId) ?? [], ({ id }) => id);
}

const namedIn = (
  grants: readonly StoredGrant[],
  charges: readonly StoredCharge[],
): Omit<Session['named'], 'makers'> => ({
  grants: mapBy(grants, ({ grant }) => grant.id),
  charges: mapBy(charges, ({ charge }) => charge.id),
});

/** The open grants, and those a command names. */
const withNamed = (open: Grants, named: ReadonlyMap<string, StoredGrant>): Grants =>
  named.size === 0 ? open : [...named.values()].reduce((grants, { grant }) => grants.with(grant), open);

const withNamedCharges = (open: Charges, named: ReadonlyMap<string, StoredCharge>): Charges =>
  named.size === 0 ? open : [...named.values()].reduce((charges, { charge }) => charges.with(charge), open);

/** The grants with what happened to them since the instant that somebody books at. */
function withPast(
  grants: Grants,
  moves: readonly GrantMove[],
  formerTerms: ReadonlyMap<string, readonly FormerTerms[]>,
): Grants {
  if (moves.length === 0 && formerTerms.size === 0) return grants;
  const movesOf = Map.groupBy(moves, ({ grantId }) => grantId);
  return grantsOf(
    grants.values().map((grant) => {
      const past = {
        moves: movesOf.get(grant.id) ?? [],
        formerTimes: formerTimesOf(formerTerms.get(grant.id)),
      };
      return { ...grant, ...past };
    }),
  );
}

/** What the commands of a batch need besides the open state of their books. */
function needsOf(books: readonly BookRow[], submissions: readonly Submission[]) {
  const byKey = mapBy(books, ({ key }) => bookKeyText(key));
  const asked = submissions.map(({ key, command }) => {
    const { shard, id: bookId, clock } = byKey.get(bookKeyText(key))!;
    return { book: { shard, bookId }, clock, needs: specOf(command).needs(command) };
  });
  const all = <Name>(namesIn: (needs: Needs, book: Placed) => readonly Name[]): readonly Name[] =>
    asked.flatMap(({ needs, book }) => namesIn(needs, book));
  // Books that somebody books into before their clock, each once with the earliest such instant: the last stands.
  const late = booksOnce(
    asked
      .flatMap(({ book, clock, needs: { historySince: since = null } }) =>
        since !== null && since < clock ? [{ ...book, since }] : [],
      )
      .toSorted((a, b) => b.since - a.since),
  );
  return {
    grants: all(({ grants = [] }, book) => grants.map((grantId) => ({ ...book, grantId }))),
    charges: all(({ charges = [] }, book) => charges.map((chargeId) => ({ ...book, chargeId }))),
    splits: all(({ allocationsOf = [] }, book) => allocationsOf.map((chargeId) => ({ ...book, chargeId }))),
    transactions: all(({ transactions = [] }, book) =>
      transactions.map((transactionId) => ({ ...book, transactionId })),
    ),
    accrued: all(({ accrued = false }, book) => (accrued ? [book] : [])),
    late,
    sinceOf: new Map(late.map(({ bookId, since }) => [bookId, since])),
  };
}

/** What the first rows name. */
type Found = {
  readonly grants: readonly FoundFact<StoredGrant>[];
  readonly allocations: readonly FoundFact<Allocation>[];
  readonly open: ReadonlyMap<number, WritableBook>;
};

/** What can only be named once the first rows are there; sends nothing for the usual batch. */
async function loadBehind(
  connection: Connection,
  needs: ReturnType<typeof needsOf>,
  { grants: named, allocations, open }: Found,
) {
  const books = mapBy([...needs.splits, ...needs.accrued], ({ bookId }) => bookId);
  const behind = allocations.map(({ bookId, fact: { grantId, chargeId } }) => {
    return { ...books.get(bookId)!, grantId, chargeId };
  });
  // A grant that falls due, or that another of the batch makes, may cover them: value to be recognized with the rest.
  const coverable = needs.accrued.flatMap((book) =>
    open
      .get(book.bookId)!
      .advances.values()
      .map(({ chargeId }) => ({ ...book, chargeId })),
  );
  const namedOf = byBook(named);
  // Of closed grants those behind splits are not among them: nobody had left anything of them for a late booking.
  const late = needs.late.flatMap((book) =>
    [...open.get(book.bookId)!.grants.keys(), ...namedOf(book.bookId).map(({ grant }) => grant.id)].map(
      (grantId) => ({ ...book, grantId }),
    ),
  );
  const [grants, charges, moves, formerTerms] = await awaitAll([
    loadGrants(connection, behind),
    loadCharges(connection, needs.accrued.length === 0 ? [] : [...behind, ...coverable]),
    movesSince(connection, late),
    loadFormerTerms(connection, late),
  ]);
  return { grants, charges, moves, formerTerms };
}
