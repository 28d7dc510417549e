import type { BookState } from '../credit/book-state.ts';
import { advanceKey, allocationKey } from '../credit/charge.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { byBook, type Placed } from '../db/placement.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { emptyJournal } from '../ledger/journal.ts';
import { loadPosted, type OwnedPosted } from '../ledger/load-posted.ts';
import { movesSince, type GrantMove } from '../ledger/moves.ts';
import { loadSubAccounts } from '../ledger/store.ts';
import { loadOpenAdvances, readAdvance, type AdvanceRow } from './advance-rows.ts';
import { loadAccrued, loadAllocations, readAllocation, type AllocationRow } from './allocation-rows.ts';
import { bookKeyText } from './book-key.ts';
import { keyOfRow, type BookRow } from './book-rows.ts';
import { loadCharges, loadOpenCharges, readCharge, type ChargeRow } from './charge-rows.ts';
import { formerTimesOf, loadFormerTerms, type FormerTerms } from './former-terms.ts';
import { loadGrants, loadOpenGrants, loadReclaimable, readGrant, type GrantRow } from './grant-rows.ts';
import { needsOf, type Needs } from './needs.ts';
import { loadRemembered, type Remembered } from './remembered.ts';
import { openSession, type Session } from './session.ts';
import type { Submission } from './submission.ts';

/**
 * Loads the state of locked books, and the time, with a constant number of statements in one round trip; a second one
 * where a command needs what only the first tells: the grants behind a charge's splits, the history since an instant.
 */
export async function loadSessions(
  connection: Connection,
  books: readonly BookRow[],
  submissions: readonly Submission[],
): Promise<{ readonly sessions: ReadonlyMap<string, Session>; readonly databaseTime: Instant }> {
  const places = books.map(({ shard, id: bookId }) => ({ shard, bookId }));
  const needs = needsOf(books, submissions);
  // Sent together, answered together. The clock is read after the locks, so recorded_at never goes back.
  const [
    time,
    openGrants,
    namedGrants,
    reclaimable,
    advances,
    openCharges,
    namedCharges,
    splits,
    accrued,
    posted,
    accounts,
    remembered,
  ] = await settleAll([
    databaseTime(connection),
    loadOpenGrants(connection, places),
    loadGrants(connection, needs.grants),
    loadReclaimable(connection, [...needs.late.values()]),
    loadOpenAdvances(connection, places),
    loadOpenCharges(connection, places),
    loadCharges(connection, needs.charges),
    loadAllocations(connection, needs.splits),
    loadAccrued(connection, needs.accrued),
    loadPosted(connection, needs.transactions),
    loadSubAccounts(connection, places),
    loadRemembered(connection, needs.keys),
  ]);
  const first: Loaded = {
    grants: [...openGrants, ...namedGrants, ...reclaimable],
    charges: [...openCharges, ...namedCharges],
    allocations: [...splits, ...accrued],
    ...{ advances, posted, moves: [], formerTerms: new Map() },
  };
  const rowsOf = loadedBy(
    await loadBehind(connection, needs, first, new Map(places.map((place) => [place.bookId, place]))),
  );

  const sessions = books.map((book) => {
    const rows = rowsOf(book.id);
    const session = sessionOf(book, rows, {
      state: stateOf(book, needs.late.get(book.id)?.since ?? book.clock, rows),
      head: { hash: book.head_hash, subAccounts: accounts.get(book.id) ?? emptyJournal.subAccounts },
      remembered: remembered.get(book.id) ?? new Map<string, Remembered>(),
    });
    return [bookKeyText(session.key), session] as const;
  });
  return { sessions: new Map(sessions), databaseTime: time };
}

const sessionOf = (
  book: BookRow,
  { grants, charges }: Pick<Loaded, 'grants' | 'charges'>,
  loaded: Pick<Session, 'state' | 'head' | 'remembered'>,
): Session =>
  openSession({
    ...loaded,
    ...{ key: keyOfRow(book), shard: book.shard, bookId: book.id, feedPosition: book.feed_position },
    currencies: { ...book.currencies },
    known: {
      grants: new Map(grants.map((row) => [idOf('grt', row.id), readGrant(row)])),
      charges: new Map(charges.map((row) => [idOf('chg', row.id), readCharge(row)])),
    },
  });

type Loaded = {
  readonly grants: readonly GrantRow[];
  readonly charges: readonly ChargeRow[];
  readonly allocations: readonly AllocationRow[];
  readonly advances: readonly AdvanceRow[];
  readonly posted: readonly OwnedPosted[];
  readonly moves: readonly GrantMove[];
  readonly formerTerms: ReadonlyMap<string, readonly FormerTerms[]>;
};

/** What can only be named once the first rows are there; sends nothing for the usual batch. */
async function loadBehind(
  connection: Connection,
  needs: Needs,
  first: Loaded,
  places: ReadonlyMap<string, Placed>,
): Promise<Loaded> {
  const behind = first.allocations.map((row) => ({
    ...places.get(row.book_id)!,
    grantId: idOf('grt', row.grant_id),
    chargeId: idOf('chg', row.charge_id),
  }));
  const late = first.grants.flatMap(({ book_id: bookId, id }) => {
    const book = needs.late.get(bookId);
    return book === undefined ? [] : [{ ...book, grantUuid: id, grantId: idOf('grt', id) }];
  });
  const [grants, charges, moves, formerTerms] = await settleAll([
    loadGrants(connection, behind),
    loadCharges(connection, needs.accrued.length === 0 ? [] : behind),
    movesSince(connection, late),
    loadFormerTerms(connection, late),
  ]);
  return {
    ...first,
    grants: [...first.grants, ...grants],
    charges: [...first.charges, ...charges],
    ...{ moves, formerTerms },
  };
}

/** What was loaded of each book, by its id. */
function loadedBy(rows: Loaded): (bookId: string) => Loaded {
  const grants = byBook(rows.grants);
  const charges = byBook(rows.charges);
  const allocations = byBook(rows.allocations);
  const advances = byBook(rows.advances);
  const moves = Map.groupBy(rows.moves, (move) => move.bookId);
  const posted = Map.groupBy(rows.posted, (one) => one.bookId);
  return (bookId) => ({
    ...{ grants: grants(bookId), charges: charges(bookId), allocations: allocations(bookId) },
    ...{ advances: advances(bookId), posted: posted.get(bookId) ?? [], moves: moves.get(bookId) ?? [] },
    formerTerms: rows.formerTerms,
  });
}

function stateOf(book: BookRow, historyFrom: Instant, rows: Loaded): BookState {
  const moves = Map.groupBy(rows.moves, (move) => move.grantId);
  const grants = rows.grants.map((row) => readGrant(row).grant);
  const charges = rows.charges.map((row) => readCharge(row).charge);
  const advances = rows.advances.map(readAdvance);
  const allocations = rows.allocations.map(readAllocation);
  return {
    ...{ version: book.version, clock: book.clock, historyFrom },
    grants: new Map(
      grants.map((grant) => [
        grant.id,
        {
          ...grant,
          moves: moves.get(grant.id) ?? [],
          formerTimes: formerTimesOf(rows.formerTerms.get(grant.id)),
        },
      ]),
    ),
    charges: new Map(charges.map((charge) => [charge.id, charge])),
    advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
    allocations: new Map(allocations.map((allocation) => [allocationKey(allocation.ref), allocation])),
    posted: new Map(rows.posted.map(({ posted }) => [posted.id, posted])),
  };
}
