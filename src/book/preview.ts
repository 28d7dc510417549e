import type { Command } from '../credit/command.ts';
import { decide } from '../credit/decide.ts';
import { later } from '../instant.ts';
import { appendTo } from './append.ts';
import { bookKeyText } from './book-key.ts';
import { findBooks, newBook } from './book-rows.ts';
import type { CommitDeps } from './commit.ts';
import { loadSessions } from './load.ts';
import type { Submission } from './submission.ts';

/**
 * What a write would be answered if it were made now; changes nothing: the same load and the same
 * decision, from a snapshot without locks. Uses no idempotency key; refuses what the write would refuse.
 */
export function preview<C extends Command, Message>(
  { database, clock, uuids }: CommitDeps,
  submission: Submission<C, Message>,
): Promise<Message> {
  const { key, command, reply } = submission;
  return database.snapshot(async (connection) => {
    const found = await findBooks(connection, [key]);
    const books = found.length > 0 ? found : [newBook(key, uuids())];
    const asked = { ...submission, idempotencyKey: null } as unknown as Submission;
    const { sessions, databaseTime } = await loadSessions(connection, books, [asked]);
    const session = sessions.get(bookKeyText(key))!;
    const { version, clock: recordedAt } = session.state;
    const decision = decide(session.state, command, later(clock(databaseTime), recordedAt));
    const appended = appendTo(session, decision, recordedAt, uuids);
    return reply.respond({ ...decision, version, recordedAt, appended });
  });
}
