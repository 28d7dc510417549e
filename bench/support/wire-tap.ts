import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { readMessages } from '../../test/support/postgres-messages.ts';

/** What went over the connections to Postgres since the tap was opened, or `since` an earlier reading. */
export type Traffic = {
  /** Statements the server was asked to execute. */
  readonly statements: number;
  /** Times the client spoke while it waited for nothing: each costs one way there and back. */
  readonly roundTrips: number;
};

/**
 * Answers are held back this long. Whoever sends more meanwhile was not waiting for them; without it a quick answer to
 * the first of several statements sent together would look like the occasion of the second.
 */
const HELD_MS = 50;

export type WireTap = {
  /** The same database through the tap. */
  readonly url: string;
  read(): Traffic;
  close(): void;
};

/**
 * Sits between a client and Postgres, passes every byte on and counts messages. From outside: what a process really
 * sends, whatever it believes.
 */
export async function tap(databaseUrl: string): Promise<WireTap> {
  const count = { statements: 0, roundTrips: 0 };
  const sockets = new Set<Socket>();
  const { credentials, database, socketPath } = partsOf(databaseUrl);
  const server = createServer((client) => {
    const postgres = connect(socketPath);
    let waitingFor = 0;
    /** The client has begun what no Sync has ended yet; it may come in several pieces. */
    let speaking = false;
    const fromClient = readMessages(true, ({ type }) => {
      // Execute, or a simple query.
      if (type === 'E' || type === 'Q') count.statements += 1;
      // Sync, or a simple query: the server answers each with ReadyForQuery.
      if (type === 'S' || type === 'Q') waitingFor += 1;
      speaking = !['S', 'Q', PASSWORD].includes(type);
    });
    const fromPostgres = readMessages(false, ({ type }) => {
      if (type === 'Z') waitingFor -= 1;
    });
    client.on('data', (bytes) => {
      if (waitingFor <= 0 && !speaking) count.roundTrips += 1;
      if (fromClient(bytes)) speaking = true;
      postgres.write(bytes);
    });
    postgres.on('data', (bytes) => {
      setTimeout(() => {
        fromPostgres(bytes);
        client.write(bytes);
      }, HELD_MS);
    });
    for (const socket of [client, postgres]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        postgres.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgresql://${credentials}@127.0.0.1:${port}/${database}`,
    read: () => ({ ...count }),
    close: () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

export const since = (before: Traffic, now: Traffic): Traffic => ({
  statements: now.statements - before.statements,
  roundTrips: now.roundTrips - before.roundTrips,
});

/** URLs of the embedded Postgres name its socket's directory as a parameter. */
function partsOf(url: string) {
  const [, credentials = '', database = '', directory = '', port = ''] =
    /^postgresql:\/\/([^@]*)@\/([^?]*)\?host=([^&]*)&port=(\d+)/.exec(url) ?? [];
  return { credentials, database, socketPath: join(directory, `.s.PGSQL.${port}`) };
}

/** Of the start of a connection, which no Sync ends. */
const PASSWORD = 'p';
