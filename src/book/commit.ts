import { decide } from '../credit/decide.ts';
import type { Clock } from '../db/clock.ts';
import { settleAll, type Connection, type Database } from '../db/database.ts';
import type { UuidMaker } from '../id.ts';
import { later, type Instant } from '../instant.ts';
import { storeJournals } from '../ledger/store.ts';
import { storeStretches } from '../pending/index-writer.ts';
import { refuse } from '../refusal.ts';
import { bookKeyText, type BookKey } from './book-key.ts';
import { lockBooks, storeBooks } from './book-rows.ts';
import { storeCharges } from './charge-rows.ts';
import { storeGrants } from './grant-rows.ts';
import { loadSessions } from './load.ts';
import { record, type Session } from './session.ts';
import type { Submission } from './submission.ts';

export type CommitDeps = { readonly database: Database; readonly clock: Clock; readonly uuids: UuidMaker };

/** What became of one submission: its message, or the error (a refusal, as a rule) that concerns its caller alone. */
export type Result =
  | { readonly ok: true; readonly message: unknown }
  | { readonly ok: false; readonly error: unknown };

/**
 * Commits the submissions for books of one shard in one transaction: lock, load, decide each in order of arrival
 * (several for one book see each other's effect), store. The order of results is that of the submissions.
 */
export function commitBatch(
  { database, clock, uuids }: CommitDeps,
  shard: number,
  submissions: readonly Submission[],
): Promise<readonly Result[]> {
  return database.transaction(async (connection) => {
    const books = await lockBooks(connection, shard, distinctKeys(submissions), uuids);
    const { sessions, databaseTime } = await loadSessions(connection, shard, books, submissions);
    const results = submissions.map((submission) => {
      const session = sessions.get(bookKeyText(submission.key))!;
      // Now, in a book: the later of the clock and the book's last recorded_at (domain.md §14).
      return attempt(session, submission, later(clock(databaseTime), session.state.clock));
    });
    await store(connection, shard, [...sessions.values()], uuids);
    return results;
  });
}

/** Decides one submission; whatever it throws is its own result and leaves the session as it was. */
function attempt(session: Session, submission: Submission, now: Instant): Result {
  try {
    return { ok: true, message: answer(session, submission, now) };
  } catch (error) {
    return { ok: false, error };
  }
}

function answer(session: Session, submission: Submission, now: Instant): unknown {
  const { command, method, idempotencyKey, reply } = submission;
  const first = idempotencyKey === null ? undefined : session.remembered.get(idempotencyKey);
  if (first !== undefined) {
    const field = first.method === method ? submission.differsFrom(first.request) : 'method';
    return field === null ? reply.replay(first.answer) : reused(idempotencyKey!, field, first.method);
  }
  const decision = decide(session.state, command, now);
  const recordedAt = decision.changed ? now : session.state.clock;
  const { version } = decision.state;
  const message = reply.respond({ answer: decision.answer, state: decision.state, version, recordedAt });
  if (!decision.changed) return message;

  const remembered =
    idempotencyKey === null ? null : { method, request: submission.content(), answer: reply.encode(message) };
  record(session, decision, recordedAt);
  session.writes.push({
    ...{ version, recordedAt, method, idempotencyKey },
    ...{ request: remembered?.request ?? null, answer: remembered?.answer ?? null },
  });
  if (remembered !== null) session.remembered.set(idempotencyKey!, remembered);
  return message;
}

const reused = (key: string, field: string, method: string): never =>
  refuse(
    'IDEMPOTENCY_KEY_REUSED',
    `idempotency_key "${key}" was used for another ${field === 'method' ? `call (${method})` : `request: ${field} differs`}`,
    { key, field },
  );

async function store(
  connection: Connection,
  shard: number,
  sessions: readonly Session[],
  uuids: UuidMaker,
): Promise<void> {
  const changed = sessions.filter((session) => session.writes.length > 0);
  const grantsOf = (which: 'madeGrants' | 'changedGrants') =>
    changed.flatMap((session) =>
      [...session[which]].map((id) => ({ bookId: session.id, stored: session.grants.get(id)! })),
    );
  // All in one round trip; nothing here waits for the one before it.
  await settleAll([
    ...storeBooks(connection, shard, changed),
    ...storeGrants(connection, shard, grantsOf('madeGrants'), grantsOf('changedGrants')),
    ...storeCharges(connection, shard, {
      made: changed.flatMap((session) => session.charges),
      madeAdvances: changed.flatMap((session) => [...session.madeAdvances.values()]),
      changedAdvances: changed.flatMap((session) => [...session.changedAdvances.values()]),
      allocations: changed.flatMap((session) => session.allocations),
    }),
    ...storeStretches(
      connection,
      shard,
      changed.flatMap((session) => session.stretches),
    ),
    ...storeJournals(
      connection,
      shard,
      changed.map((session) => ({ bookId: session.id, appended: session.appended })),
      uuids,
    ),
  ]);
}

function distinctKeys(submissions: readonly Submission[]): readonly BookKey[] {
  return [...new Map(submissions.map(({ key }) => [bookKeyText(key), key])).values()];
}
