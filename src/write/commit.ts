import { specOf } from '../credit/command.ts';
import { decide, type Decision } from '../credit/decide.ts';
import { databaseTime, type DatabaseClock } from '../db/clock.ts';
import { settleAll, type Connection, type Database, type Transaction } from '../db/database.ts';
import { once, type Once } from '../db/once.ts';
import type { UuidMaker } from '../id.ts';
import { later, type Instant } from '../instant.ts';
import { randomSalt, type Salt } from '../ledger/hash.ts';
import type { Appended } from '../ledger/journal.ts';
import { storeJournals } from '../ledger/store.ts';
import { storePromises } from '../pending/index-writer.ts';
import { refuse } from '../refusal.ts';
import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import { lockBooks, makeBooks, storeBooks } from '../tables/book-rows.ts';
import { storeAdvances } from '../tables/advance-rows.ts';
import { storeAllocations } from '../tables/allocation-rows.ts';
import { appendTo } from './append.ts';
import type { Committed } from '../live/committed-writes.ts';
import { storeCharges } from '../tables/store-charges.ts';
import { answerHash } from '../book/facts.ts';
import { storeFormerTerms } from '../tables/former-terms.ts';
import { storeGrants } from '../tables/store-grants.ts';
import type { BookCache } from '../book/book-cache.ts';
import { loadSessions } from './load.ts';
import { committedOf, openAfter } from './committed.ts';
import { loadRemembered, storeRemembered } from '../tables/remembered.ts';
import { record, type Recorded, type Session } from './session.ts';
import type { Submission } from './submission.ts';
import { refuseNewWithdrawn } from './withdrawn.ts';

export type CommitDeps = {
  readonly database: Database;
  readonly clock: DatabaseClock;
  readonly uuids: UuidMaker;
  /** Tests may tell them; else they are drawn from the system. */
  readonly salts?: () => Salt;
  readonly kept: BookCache;
  /** How many milliseconds ahead of now a caller's clock may be. */
  readonly leewayMs: number;
};

/** What became of one submission: its message, or the error (a refusal, as a rule) that concerns its caller alone. */
export type Result =
  | { readonly ok: true; readonly message: unknown }
  | { readonly ok: false; readonly error: unknown };

/** What became of a batch: a result for each submission, in their order, and what each book changed to. */
export type BatchOutcome = { readonly results: readonly Result[]; readonly committed: readonly Committed[] };

/**
 * Commits the submissions in one transaction: lock, load, decide each in order of arrival
 * (several for one book see each other's effect), store. The order of results is that of the submissions.
 */
export async function commitBatch(
  deps: CommitDeps,
  submissions: readonly Submission[],
): Promise<BatchOutcome> {
  const keys = once(
    submissions.map(({ key }) => key),
    bookKeyText,
  );
  const attempt = () =>
    deps.database.transaction((connection) => commitLocked(deps, connection, keys, submissions));
  let done = await attempt();
  if (done === null) {
    // A customer's book comes into being with its first write.
    await makeBooks(deps.database, keys, deps.uuids);
    done = (await attempt()) ?? missing();
  }
  const { results, sessions } = done;
  for (const session of sessions) {
    const { version, clock } = session.state;
    deps.kept.keep({ id: session.bookId, version, clock, headHash: session.head.hash }, openAfter(session));
  }
  return { results, committed: sessions.filter(({ writes }) => writes.length > 0).map(committedOf) };
}

type Done = { readonly results: readonly Result[]; readonly sessions: readonly Session[] };

/** Null, and nothing done, when not all of the books exist yet. */
async function commitLocked(
  deps: CommitDeps,
  connection: Transaction,
  keys: Once<BookKey>,
  submissions: readonly Submission[],
): Promise<Done | null> {
  const { clock, kept } = deps;
  // Sent together, answered in turn: the clock and the keys are read once the locks are held. So recorded_at never goes
  // back, and a key that somebody used before us is seen.
  const [books, time, remembered] = await settleAll([
    lockBooks(connection, keys),
    databaseTime(connection),
    loadRemembered(connection, submissions),
  ]);
  if (books.length < keys.length) return null;
  const sessions = await loadSessions({ connection, kept }, books, submissions, remembered);
  const results = submissions.map((submission) => {
    const session = sessions.get(bookKeyText(submission.key))!;
    // Now, in a book: the later of the clock and the book's last recorded_at (domain.md §14).
    return attemptOne(deps, session, submission, later(clock.reads(time), session.state.clock));
  });
  connection.beforeCommit(store(connection, [...sessions.values()]));
  return { results, sessions: [...sessions.values()] };
}

const missing = (): never => {
  throw new Error('invariant: books that were made are not there');
};

type Deciding = Pick<CommitDeps, 'uuids' | 'salts' | 'leewayMs'>;

/** Decides one submission; whatever that throws is its own result, and the session is as it was. */
function attemptOne(deps: Deciding, session: Session, submission: Submission, now: Instant): Result {
  let prepared: Prepared;
  try {
    prepared = prepare(deps, session, submission, now);
  } catch (error) {
    return { ok: false, error };
  }
  // Not caught: a session that holds half of a write must not be stored.
  const { message, write, used } = prepared;
  if (write !== null) {
    record(session, write.decision, write.appended, write.row);
  }
  if (used !== null) {
    session.remembered.set(used.key, used.remembered);
    session.keys.push(used);
  }
  return { ok: true, message };
}

/** What a submission comes to: all that can go wrong with it has not. Nothing of it is in the session yet. */
type Prepared = {
  readonly message: unknown;
  /** Null: it changes nothing. */
  readonly write: {
    readonly decision: Decision;
    readonly appended: Appended;
    readonly row: Recorded;
  } | null;
  /** Null: it has no key, or has been answered under it before. */
  readonly used: Session['keys'][number] | null;
};

function prepare(
  { uuids, salts = randomSalt, leewayMs }: Deciding,
  session: Session,
  submission: Submission,
  now: Instant,
): Prepared {
  const { command, idempotencyKey, reply } = submission;
  const { method } = specOf(command);
  const first = idempotencyKey === null ? undefined : session.remembered.get(idempotencyKey);
  if (first !== undefined) {
    const field = first.method === method ? submission.differsFrom(first.request) : 'method';
    if (field !== null) return reused(idempotencyKey!, field, first.method);
    return { message: reply.replay(first.answer), write: null, used: null };
  }
  refuseNewWithdrawn(command, session);
  const decision = decide(session.state, command, now, leewayMs);
  // A success that changes nothing tells when the book was last written, if ever.
  const recordedAt = decision.changed || session.state.version === 0 ? now : session.state.clock;
  const { version } = decision.state;
  const write = { recordedAt, salt: salts() };
  const appended = appendTo(session, decision, write, uuids);
  const message = reply.respond({ ...decision, state: decision.seen, version, recordedAt, appended });
  const remembered =
    idempotencyKey === null ? null : { method, request: submission.content(), answer: reply.encode(message) };
  const row = { ...write, version, method, idempotencyKey, answered: remembered };
  return {
    message,
    write: decision.changed ? { decision, appended, row } : null,
    used:
      remembered === null
        ? null
        : {
            key: idempotencyKey!,
            remembered,
            // Of a success that took no version no write tells.
            hash: decision.changed ? null : answerHash(session, idempotencyKey!, remembered),
          },
  };
}

const reused = (key: string, field: string, method: string): never =>
  refuse(
    'IDEMPOTENCY_KEY_REUSED',
    `idempotency_key "${key}" was used for another ${field === 'method' ? `call (${method})` : `request: ${field} differs`}`,
    { key, field },
  );

/** Sends what the sessions have come to; nothing here waits for the one before it. */
function store(connection: Connection, sessions: readonly Session[]): readonly Promise<unknown>[] {
  const changed = sessions.filter((session) => session.writes.length > 0);
  const all = <Row>(rows: (session: Session) => Iterable<Row>): Row[] =>
    changed.flatMap((session) => [...rows(session)]);
  return [
    storeRemembered(
      connection,
      sessions.flatMap(({ shard, bookId, keys }) => keys.map((used) => ({ shard, bookId, ...used }))),
    ),
    storeBooks(connection, changed),
    ...storeGrants(
      connection,
      all((s) => s.grants.made.values()),
      all((s) => s.grants.changed.values()),
    ),
    storeFormerTerms(
      connection,
      all((s) => s.formerTerms),
    ),
    ...storeCharges(
      connection,
      all((s) => s.charges.made.values()),
      all((s) => s.charges.changed.values()),
      all((s) => s.chargeEvents),
    ),
    ...storeAdvances(
      connection,
      all((s) => s.advances.made.values()),
      all((s) => s.advances.changed.values()),
      all((s) => s.reductions),
    ),
    ...storeAllocations(
      connection,
      all((s) => s.allocations.made.values()),
      all((s) => s.allocations.changed.values()),
    ),
    ...storePromises(
      connection,
      all((s) => s.promises),
    ),
    ...storeJournals(connection, changed),
  ];
}
