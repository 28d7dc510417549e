import { join } from 'node:path';
import type { NetConnectOpts } from 'node:net';
import pg from 'pg';
import { readMessages, textAt } from './postgres-messages.ts';
import { startRelay, type Held, type Mark, type MarkReader, type Relay } from './relay.ts';

/** A relay between the service and its Postgres, which knows the statements that go through it by their names. */
export type DatabaseRelay = Relay & {
  /** The database through the relay. */
  readonly databaseUrl: string;
  /** The next transaction or question that comes to this statement stands before it: it is not passed on. */
  before(statement: string): Promise<Held>;
  /** Stands behind it: Postgres has done it, and has answered; the answer is not passed on. */
  answerTo(statement: string): Promise<Held>;
};

/**
 * A statement is called what the service prepared it as; one that is sent as a text, by this text in lower case.
 * What stands `before` one may already be in Postgres' hands without the Sync that ends it: locked, and not idle.
 */
export async function startDatabaseRelay(url: string): Promise<DatabaseRelay> {
  const { user = '', password, database = '', host, port } = new pg.Client({ connectionString: url });
  const target: NetConnectOpts = host.startsWith('/')
    ? { path: join(host, `.s.PGSQL.${port}`) }
    : { host, port };
  const relay = await startRelay(target, statementMarks);
  const [who, secret, what] = [user, password ?? '', database].map(encodeURIComponent);
  return {
    ...relay,
    databaseUrl: `postgresql://${who}:${secret}@127.0.0.1:${relay.port}/${what}`,
    before: (statement) => relay.next({ way: 'there', mark: statement }),
    answerTo: (statement) => relay.next({ way: 'back', mark: statement }),
  };
}

/** Behind it Postgres says that it is ready, whatever became of what is before. */
const SYNC = Symbol('sync');

/**
 * Marks each statement on its way there where it begins to be asked for, and on its way back where its answer ends. An
 * answer names no statement: it is that of the first which has none, and an error is that of all up to the Sync.
 */
export function statementMarks(): MarkReader {
  const unanswered: (string | typeof SYNC)[] = [];
  const there = marking((mark) => {
    return readMessages(true, ({ type, body, at }) => {
      if (type === 'B') {
        const { text } = textAt(body, textAt(body, 0).next);
        unanswered.push(text);
        mark(text, at);
      }
      if (type === 'Q') {
        const { text } = textAt(body, 0);
        unanswered.push(text.toLowerCase(), SYNC);
        mark(text.toLowerCase(), at);
      }
      if (type === 'S') unanswered.push(SYNC);
    });
  });
  const back = marking((mark) => {
    return readMessages(false, ({ type, at }) => {
      // Complete, empty, or as much of it as was asked for.
      if (['C', 'I', 's'].includes(type)) {
        const answered = unanswered[0];
        if (typeof answered !== 'string') return;
        unanswered.shift();
        mark(answered, at);
      }
      if (type === 'Z') unanswered.splice(0, unanswered.indexOf(SYNC) + 1);
    });
  });
  return { there, back };
}

function marking(
  reading: (mark: (name: string, at: number) => void) => (piece: Buffer) => boolean,
): (piece: Buffer) => readonly Mark[] {
  let marks: Mark[] = [];
  const read = reading((name, at) => marks.push({ name, at: Math.max(0, at) }));
  return (piece) => {
    marks = [];
    read(piece);
    return marks;
  };
}
