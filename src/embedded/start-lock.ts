import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { waitUntil } from '../db/clock.ts';
import { StartError } from '../start-error.ts';

const timeoutMs = 90_000;

/**
 * Lets one process at a time make, start or stop the Postgres of a data directory. The lock is an abstract
 * socket: the kernel frees it with the process that holds it, however that ends, and no file is left behind.
 * @throws when another process holds it for longer than a start can take.
 */
export async function withStartLock<T>(pgdata: string, work: () => Promise<T>): Promise<T> {
  const name = `\0credit-ledger-${createHash('sha256').update(pgdata).digest('hex').slice(0, 32)}`;
  const held = await waitUntil(() => tryListen(name), { timeoutMs, everyMs: 25 });
  if (held === undefined) {
    throw new StartError(
      `Another process has been starting or stopping the Postgres of ${pgdata} for ${timeoutMs} ms.`,
    );
  }
  try {
    return await work();
  } finally {
    held.close();
    await once(held, 'close');
  }
}

async function tryListen(name: string): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy());
  try {
    server.listen(name);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
