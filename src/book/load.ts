import type { BookState } from '../credit/book-state.ts';
import { advanceKey, allocationKey } from '../credit/charge.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { emptyJournal } from '../ledger/journal.ts';
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
  shard: number,
  books: readonly BookRow[],
  submissions: readonly Submission[],
): Promise<{ readonly sessions: ReadonlyMap<string, Session>; readonly databaseTime: Instant }> {
  const ids = books.map((book) => book.id);
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
    accounts,
    remembered,
  ] = await settleAll([
    databaseTime(connection),
    loadOpenGrants(connection, shard, ids),
    loadGrants(connection, shard, needs.grants),
    loadReclaimable(connection, shard, needs.historySince),
    loadOpenAdvances(connection, shard, ids),
    loadOpenCharges(connection, shard, ids),
    loadCharges(connection, shard, needs.charges),
    loadAllocations(connection, shard, needs.splits),
    loadAccrued(connection, shard, needs.accrued),
    loadSubAccounts(connection, shard, ids),
    loadRemembered(connection, shard, needs.keys),
  ]);
  const first: Loaded = {
    grants: [...openGrants, ...namedGrants, ...reclaimable],
    charges: [...openCharges, ...namedCharges],
    allocations: [...splits, ...accrued],
    ...{ advances, moves: [], formerTerms: new Map() },
  };
  const rows = await loadBehind(connection, shard, needs, first);

  const sessions = books.map((book): [string, Session] => {
    const own = rowsOf(rows, book.id);
    const key = keyOfRow(book);
    const session = openSession({
      ...{ key, id: book.id, feedPosition: book.feed_position, currencies: { ...book.currencies } },
      state: stateOf(book, needs.historySince.get(book.id) ?? book.clock, own),
      head: { hash: book.head_hash, subAccounts: accounts.get(book.id) ?? emptyJournal.subAccounts },
      known: {
        grants: new Map(own.grants.map((row) => [idOf('grt', row.id), readGrant(row)])),
        charges: new Map(own.charges.map((row) => [idOf('chg', row.id), readCharge(row)])),
      },
      remembered: remembered.get(book.id) ?? new Map<string, Remembered>(),
    });
    return [bookKeyText(key), session];
  });
  return { sessions: new Map(sessions), databaseTime: time };
}

type Loaded = {
  readonly grants: readonly GrantRow[];
  readonly charges: readonly ChargeRow[];
  readonly allocations: readonly AllocationRow[];
  readonly advances: readonly AdvanceRow[];
  readonly moves: readonly GrantMove[];
  readonly formerTerms: ReadonlyMap<string, readonly FormerTerms[]>;
};

/** What can only be named once the first rows are there; sends nothing for the usual batch. */
async function loadBehind(
  connection: Connection,
  shard: number,
  needs: Needs,
  first: Loaded,
): Promise<Loaded> {
  const behind = first.allocations.map((row) => ({
    bookId: row.book_id,
    grantId: idOf('grt', row.grant_id),
    chargeId: idOf('chg', row.charge_id),
  }));
  const late = first.grants.flatMap(({ book_id: bookId, id }) => {
    const since = needs.historySince.get(bookId);
    return since === undefined ? [] : [{ bookId, grantUuid: id, grantId: idOf('grt', id), since }];
  });
  const [grants, charges, moves, formerTerms] = await settleAll(
    [
      loadGrants(connection, shard, behind),
      needs.accrued.length === 0 ? [] : loadCharges(connection, shard, behind),
      late.length === 0 ? [] : movesSince(connection, shard, late),
      loadFormerTerms(connection, shard, late),
    ].map((part) => Promise.resolve(part)) as [
      Promise<GrantRow[]>,
      Promise<ChargeRow[]>,
      Promise<readonly GrantMove[]>,
      ReturnType<typeof loadFormerTerms>,
    ],
  );
  return {
    ...first,
    grants: [...first.grants, ...grants],
    charges: [...first.charges, ...charges],
    ...{ moves, formerTerms },
  };
}

function rowsOf(rows: Loaded, bookId: string): Loaded {
  const own = <Row extends { readonly book_id: string }>(all: readonly Row[]) =>
    all.filter((row) => row.book_id === bookId);
  return {
    ...{ grants: own(rows.grants), charges: own(rows.charges), allocations: own(rows.allocations) },
    ...{ advances: own(rows.advances), moves: rows.moves.filter((move) => move.bookId === bookId) },
    formerTerms: rows.formerTerms,
  };
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
  };
}
