import type { BookState } from '../credit/book-state.ts';
import { advanceKey } from '../credit/charge.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll, type Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { emptyJournal } from '../ledger/journal.ts';
import { movesSince, type GrantMove } from '../ledger/moves.ts';
import { loadSubAccounts } from '../ledger/store.ts';
import { bookKeyText } from './book-key.ts';
import { keyOfRow, type BookRow } from './book-rows.ts';
import { loadOpenAdvances, readAdvance, type AdvanceRow } from './charge-rows.ts';
import { loadGrants, loadOpenGrants, loadReclaimable, readGrant, type GrantRow } from './grant-rows.ts';
import { needsOf } from './needs.ts';
import { loadRemembered, type RememberedWrite } from './remembered.ts';
import { openSession, type Session } from './session.ts';
import type { Submission } from './submission.ts';

/**
 * Loads the state of locked books, and the time, with a constant number of statements in one round trip; a second one
 * where somebody books into the past of a book and its history since is needed.
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
  const [time, openGrants, namedGrants, reclaimable, advances, accounts, remembered] = await settleAll([
    databaseTime(connection),
    loadOpenGrants(connection, shard, ids),
    loadGrants(connection, shard, needs.grants),
    loadReclaimable(connection, shard, needs.historySince),
    loadOpenAdvances(connection, shard, ids),
    loadSubAccounts(connection, shard, ids),
    loadRemembered(connection, shard, needs.keys),
  ]);
  const grants = [...openGrants, ...namedGrants, ...reclaimable];
  const moves = await loadMoves(connection, shard, needs.historySince, grants);

  const grantsOf = Map.groupBy(grants, (row) => row.book_id);
  const advancesOf = Map.groupBy(advances, (row) => row.book_id);
  const movesOf = Map.groupBy(moves, (move) => move.bookId);
  const sessions = books.map((book): [string, Session] => {
    const rows = {
      grants: grantsOf.get(book.id),
      advances: advancesOf.get(book.id),
      moves: movesOf.get(book.id),
    };
    const stored = new Map((rows.grants ?? []).map((row) => [row.id, readGrant(row)]));
    const key = keyOfRow(book);
    const session = openSession({
      ...{ key, id: book.id, currencies: { ...book.currencies } },
      state: stateOf(book, needs.historySince.get(book.id) ?? book.clock, rows),
      head: { hash: book.head_hash, subAccounts: accounts.get(book.id) ?? emptyJournal.subAccounts },
      grants: new Map([...stored.values()].map((own) => [own.grant.id, own])),
      remembered: remembered.get(book.id) ?? new Map<string, RememberedWrite>(),
    });
    return [bookKeyText(key), session];
  });
  return { sessions: new Map(sessions), databaseTime: time };
}

function stateOf(
  book: BookRow,
  historyFrom: Instant,
  rows: {
    readonly grants: readonly GrantRow[] | undefined;
    readonly advances: readonly AdvanceRow[] | undefined;
    readonly moves: readonly GrantMove[] | undefined;
  },
): BookState {
  const moves = Map.groupBy(rows.moves ?? [], (move) => move.grantId);
  const grants = (rows.grants ?? []).map((row) => readGrant(row).grant);
  const advances = (rows.advances ?? []).map(readAdvance);
  return {
    version: book.version,
    clock: book.clock,
    historyFrom,
    grants: new Map(grants.map((grant) => [grant.id, { ...grant, moves: moves.get(grant.id) ?? [] }])),
    advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
    charges: new Map(),
  };
}

function loadMoves(
  connection: Connection,
  shard: number,
  historySince: ReadonlyMap<string, Instant>,
  grants: readonly GrantRow[],
): Promise<readonly GrantMove[]> {
  const named = grants.flatMap(({ book_id: bookId, id: grantUuid }) => {
    const since = historySince.get(bookId);
    return since === undefined ? [] : [{ bookId, grantUuid, since }];
  });
  return named.length === 0 ? Promise.resolve([]) : movesSince(connection, shard, named);
}
