import { databaseTime, monotonic, yieldTurn, type DatabaseClock } from '../db/clock.ts';
import { awaitAll, type Connection, type Database, type Transaction } from '../db/database.ts';
import { classify } from '../db/failure.ts';
import { limitLockWait } from '../db/lock-wait.ts';
import { once, type Once } from '../db/once.ts';
import { later } from '../instant.ts';
import { storeJournals } from '../ledger/store.ts';
import { storePromises } from '../pending/scheduled-grants.ts';
import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import { findBooks, lockBooks, makeBooks, storeBooks } from '../tables/books.ts';
import { storeAdvances } from '../tables/advances.ts';
import { storeAllocations } from '../tables/allocations.ts';
import { committedWrite, type Committed } from '../live/committed-writes.ts';
import { storeCharges } from '../tables/charges.ts';
import { storeFormerTerms } from '../tables/former-terms.ts';
import { storeGrants } from '../tables/grants.ts';
import type { BookCache } from '../book/book-cache.ts';
import type { WritableBook } from '../book/open-book.ts';
import { assemble } from '../book/state-at.ts';
import { answerOne, type DecideDeps, type Result } from './answer-one.ts';
import { loadSessions } from './load.ts';
import { loadRemembered, storeRemembered } from '../tables/remembered.ts';
import { emptyBatch, type BatchRows, type Rows } from './batch-rows.ts';
import { openAfter, voidsAt, type Session } from './session.ts';
import type { Submission } from './submission.ts';

export type CommitDeps = DecideDeps & {
  readonly database: Database;
  readonly clock: DatabaseClock;
  readonly kept: BookCache;
  /**
   * How long a batch decides, which holds the locks of its books: what it has not begun by then is left to another. Without
   * a word about it a batch is decided to its end.
   */
  readonly longestDecidingMs?: number;
};

/**
 * How a batch deals with what somebody else has locked:
 * `first` – leaves those books, and waits for any other lock as long as its connection does;
 * `patient` – waits for each book as long as one like itself would take, and fails where that is not enough;
 * `again` – as the first time, but hardly waits for any other lock: it, or what it was a part of, has waited before.
 */
export type Manner = 'first' | 'patient' | 'again';

/** How long commands are decided without a turn for whoever else the process serves. */
const LONGEST_TURN_MS = 10;

const LOCK_WAIT_MS = { patient: 250, again: 20 };

/** Another book may have the number that one is made under; that it happens three times in a row nobody lives to see. */
const MOST_NUMBERS = 3;

/** What became of a batch: a result for each submission, in their order, and what each book changed to. */
export type BatchOutcome = { readonly results: readonly Result[]; readonly committed: readonly Committed[] };

/**
 * Commits the submissions in one transaction: lock, load, decide each in order of arrival
 * (several for one book see each other's effect), store. The order of results is that of the submissions.
 *
 * Nothing is done of books that somebody else has locked, nor of what comes after a long time of deciding; their results
 * say so.
 */
export async function commitBatch(
  deps: CommitDeps,
  submissions: readonly Submission[],
  manner: Manner = 'first',
): Promise<BatchOutcome> {
  const keys = keysOf(submissions.map(({ key }) => key));
  const attempt = (unmade?: readonly BookKey[]): Promise<Attempted> =>
    deps.database.transaction((connection) =>
      commitLocked(deps, connection, { keys, submissions, manner, unmade }),
    );
  let done = await attempt();
  // A customer's book comes into being with its first write.
  for (let made = 0; 'absent' in done; made += 1) {
    if (made === MOST_NUMBERS) throw new Error('invariant: books that were made are not there');
    done = await attempt(await makeAbsent(deps, done.absent, manner));
  }
  const { results, sessions } = done;
  const committed: Committed[] = [];
  for (const session of sessions) {
    const { version, clock } = session.state;
    const open = openAfter(session);
    deps.kept.keep({ id: session.bookId, version, clock, headHash: session.head.hash }, open);
    if (session.writes.length > 0) committed.push(committedOf(session, open));
  }
  return { results, committed };
}

type Attempt = {
  readonly keys: Once<BookKey>;
  readonly submissions: readonly Submission[];
  readonly manner: Manner;
  /** Books that somebody else is making; undefined: what does not exist may be made. */
  readonly unmade: readonly BookKey[] | undefined;
};

type Done = { readonly results: readonly Result[]; readonly sessions: readonly Session[] };
type Attempted = Done | { readonly absent: readonly BookKey[] };

/** Nothing is done where some of the books do not exist, and may be made. */
async function commitLocked(
  deps: CommitDeps,
  connection: Transaction,
  { keys, submissions, manner, unmade }: Attempt,
): Promise<Attempted> {
  const { clock, kept, longestDecidingMs = Infinity } = deps;
  const limited = manner === 'first' ? Promise.resolve() : limitLockWait(connection, LOCK_WAIT_MS[manner]);
  // Sent together, answered in turn: the clock and the keys are read once the locks are held. So recorded_at never goes
  // back, and a key that somebody used before us is seen.
  const [, books, at, remembered] = await awaitAll([
    limited,
    lockBooks(connection, keys, manner === 'patient'),
    databaseTime(connection),
    loadRemembered(connection, submissions),
  ]);
  if (books.length < keys.length) {
    const left = without(keys, books);
    const absent = without(without(left, await findBooks(connection, left)), asKeyed(unmade));
    if (absent.length > 0) return { absent };
  }
  const ours = new Set(books.map(({ key }) => bookKeyText(key)));
  const own = submissions.filter(({ key }) => ours.has(bookKeyText(key)));
  const rows = emptyBatch();
  const sessions = await loadSessions({ connection, kept }, books, own, { remembered, rows });
  const results: Result[] = [];
  const began = monotonic();
  let turn = began;
  for (const submission of submissions) {
    const time = monotonic();
    if (time - turn > LONGEST_TURN_MS) {
      await yieldTurn();
      turn = monotonic();
    }
    const session = sessions.get(bookKeyText(submission.key));
    if (session === undefined) {
      results.push({ ok: false, undone: 'locked' });
    } else if (time - began > longestDecidingMs) {
      results.push({ ok: false, undone: 'unbegun' });
    } else {
      // Now, in a book: the later of the clock and the book's last recorded_at (domain.md §14).
      const now = later(clock.reads(at), session.state.clock);
      results.push(answerOne(deps, session, submission, now));
    }
  }
  connection.beforeCommit(store(connection, [...sessions.values()], rows));
  return { results, sessions: [...sessions.values()] };
}

const keysOf = (keys: readonly BookKey[]): Once<BookKey> => once(keys, bookKeyText);

const asKeyed = (keys: readonly BookKey[] = []) => keys.map((key) => ({ key }));

/** The keys but those of some books. */
function without(keys: Once<BookKey>, books: readonly { readonly key: BookKey }[]): Once<BookKey> {
  const had = new Set(books.map(({ key }) => bookKeyText(key)));
  return keysOf(keys.filter((key) => !had.has(bookKeyText(key))));
}

/**
 * Makes the books, and gives those that cannot be made now, because somebody else is making one of them. Which one Postgres
 * does not say: it takes time to find out, so only whoever has been in somebody's way before does.
 */
async function makeAbsent(
  deps: CommitDeps,
  keys: readonly BookKey[],
  manner: Manner,
): Promise<readonly BookKey[]> {
  try {
    await makeBooks(deps.database, keys, deps.uuids);
    return [];
  } catch (error) {
    if (classify(error) !== 'conflict') throw error;
    if (manner === 'first' || keys.length === 1) return keys;
    const unmade: BookKey[] = [];
    for (const key of keys) unmade.push(...(await makeAbsent(deps, [key], manner)));
    return unmade;
  }
}

/** Sends what a batch has come to; nothing here waits for the one before it. */
function store(
  connection: Connection,
  sessions: readonly Session[],
  {
    keys,
    grants,
    formerTerms,
    charges,
    chargeEvents,
    advances,
    reductions,
    allocations,
    splitsKept,
    promises,
  }: BatchRows,
): readonly Promise<unknown>[] {
  const changed = sessions.filter((session) => session.writes.length > 0);
  return [
    storeRemembered(connection, keys),
    storeBooks(connection, changed),
    ...storeGrants(connection, ...listed(grants)),
    storeFormerTerms(connection, formerTerms),
    ...storeCharges(connection, ...listed(charges), chargeEvents),
    ...storeAdvances(connection, ...listed(advances), reductions),
    ...storeAllocations(connection, [...allocations.values()], [...splitsKept.values()]),
    ...storePromises(connection, promises),
    ...storeJournals(connection, changed),
  ];
}

const listed = <Row>({ made, changed }: Rows<Row>) => [[...made.values()], [...changed.values()]] as const;

/** What a batch has done to a book, as those who follow it are told. */
const committedOf = (session: Session, open: WritableBook): Committed => {
  const { key, shard, bookId, state, currencies, writes } = session;
  return {
    key,
    shard,
    bookId,
    version: state.version,
    state: assemble(state, open),
    currencies: Object.keys(currencies).toSorted(),
    writes: writes.map(({ version, method }) =>
      committedWrite(version, method, () => voidsAt(session, version)),
    ),
  };
};
