import type { ChildProcess } from 'node:child_process';
import { endOf, spawnService, urlOf } from '../child.ts';
import { startDatabaseRelay, type DatabaseRelay } from '../database-relay.ts';
import { startRelay, type Relay } from '../relay.ts';

/** An instance of the service as a process of its own, with a relay on either side of it. */
export type Instance = {
  /** Where callers reach it, whichever process it is at the moment. */
  readonly url: string;
  readonly callers: Relay;
  readonly database: DatabaseRelay;
  signal(signal: NodeJS.Signals): void;
  /** Ends the process by the signal and starts another. */
  restart(signal: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
};

export async function startInstance(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Instance> {
  const database = await startDatabaseRelay(databaseUrl);
  const start = async (): Promise<{ child: ChildProcess; port: number }> => {
    const child = spawnService({ DATABASE_URL: database.databaseUrl, CREDIT_LEDGER_PORT: '0', ...env });
    return { child, port: Number(new URL(await urlOf(child)).port) };
  };
  let running = await start();
  const callers = await startRelay({ port: running.port });
  return {
    url: callers.url,
    callers,
    database,
    signal: (signal) => process.kill(running.child.pid!, signal),
    async restart(signal) {
      await endOf(running.child, signal);
      running = await start();
      callers.turnTo({ port: running.port });
    },
    async close() {
      // It ends by itself only where it is not stopped.
      await endOf(running.child, 'SIGKILL');
      await callers.close();
      await database.close();
    },
  };
}
