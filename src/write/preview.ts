import type { Command } from '../credit/command.ts';
import { databaseTime } from '../db/clock.ts';
import { awaitAll } from '../db/database.ts';
import { once } from '../db/once.ts';
import { later } from '../instant.ts';
import { bookKeyText } from '../tables/book-key.ts';
import { findBooks, newBook } from '../tables/books.ts';
import { decideIn } from './answer-one.ts';
import type { CommitDeps } from './commit.ts';
import { loadSessions } from './load.ts';
import type { Submission } from './submission.ts';

/**
 * What a write would be answered if it were made now; changes nothing: the same load and the same
 * decision, from a snapshot without locks. Uses no idempotency key; refuses what the write would refuse.
 */
export function preview<C extends Command, Message>(
  deps: CommitDeps,
  submission: Submission<C, Message>,
): Promise<Message> {
  const { key, command, reply } = submission;
  return deps.database.snapshot(async (connection) => {
    const [found, time] = await awaitAll([
      findBooks(connection, once([key], bookKeyText)),
      databaseTime(connection),
    ]);
    const books = found.length > 0 ? found : [newBook(key, deps.uuids())];
    const asked = submission as unknown as Submission;
    const sessions = await loadSessions({ ...deps, connection }, books, [asked]);
    const session = sessions.get(bookKeyText(key))!;
    const { version, clock: recordedAt } = session.state;
    const { decision, appended } = decideIn(
      session,
      command,
      later(deps.clock.reads(time), recordedAt),
      deps,
    );
    return reply.respond({
      ...decision,
      state: decision.seen,
      version,
      recordedAt,
      appended,
      actor: null,
      makerOf: () => null,
    });
  });
}
