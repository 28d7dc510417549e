import type { Command } from '../credit/command.ts';
import { decide } from '../credit/decide.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll } from '../db/database.ts';
import { once } from '../db/once.ts';
import { later } from '../instant.ts';
import { randomSalt } from '../ledger/hash.ts';
import { appendTo } from './append.ts';
import { bookKeyText } from '../tables/book-key.ts';
import { findBooks, newBook } from '../tables/book-rows.ts';
import type { CommitDeps } from './commit.ts';
import { loadSessions } from './load.ts';
import type { Submission } from './submission.ts';
import { refuseNewWithdrawn } from './withdrawn.ts';

/**
 * What a write would be answered if it were made now; changes nothing: the same load and the same
 * decision, from a snapshot without locks. Uses no idempotency key; refuses what the write would refuse.
 */
export function preview<C extends Command, Message>(
  { database, clock, uuids, kept, leewayMs }: CommitDeps,
  submission: Submission<C, Message>,
): Promise<Message> {
  const { key, command, reply } = submission;
  return database.snapshot(async (connection) => {
    const [found, time] = await settleAll([
      findBooks(connection, once([key], bookKeyText)),
      databaseTime(connection),
    ]);
    const books = found.length > 0 ? found : [newBook(key, uuids())];
    const asked = submission as unknown as Submission;
    const sessions = await loadSessions({ connection, kept }, books, [asked], new Map());
    const session = sessions.get(bookKeyText(key))!;
    const { version, clock: recordedAt } = session.state;
    refuseNewWithdrawn(command, session);
    const decision = decide(session.state, command, later(clock.reads(time), recordedAt), leewayMs);
    const appended = appendTo(session, decision, { recordedAt, salt: randomSalt() }, uuids);
    return reply.respond({ ...decision, state: decision.seen, version, recordedAt, appended });
  });
}
