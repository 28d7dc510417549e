import { statSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../db/clock.ts';
import { locateBinaries } from './binaries.ts';
import { ensureCluster, readPassword } from './cluster.ts';
import { makeDataDirectory } from './data-directory.ts';
import { takeLease, type Lease } from './lease.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import { connectAsSuperuser, provision } from './provision.ts';
import { candidates, chooseRunAs } from './run-as.ts';
import { launch, type Launch, shutdown, startTimeoutMs } from './server.ts';
import { withStartLock } from './start-lock.ts';
import { supervise, type OnTrouble } from './supervise.ts';
import { StartError } from '../start-error.ts';

export type EmbeddedPostgres = {
  /** URL of the service's own database, for any Postgres client on this machine; it holds the password of its role. */
  url: string;
  /** The same of the role that owns it. */
  ownerUrl: string;
  /** Stops the server, unless another process still uses it. Close every pool first: sessions are cut. */
  stop(): Promise<void>;
};

/**
 * Starts a real Postgres with its files in `dataDir`, or joins the one that runs there already: left by a
 * process that was killed, or in use by another instance. `settings` go to a server that is started, one
 * that is joined keeps its own. One that ends by itself is started again, with the same URL, where somebody wants to be
 * told of it (supervise.ts).
 *
 * In `dataDir`: `postgres/` is the cluster, `postgres.log` what the server says.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  settings?: Readonly<Record<string, string>>;
  onTrouble?: OnTrouble;
}): Promise<EmbeddedPostgres> {
  const { settings = {}, onTrouble } = options;
  const { initdb, postgres } = locateBinaries();
  const dataDir = makeDataDirectory(options.dataDir);
  const pgdata = join(dataDir, 'postgres');
  const obtain = () =>
    withStartLock(pgdata, async () => {
      const tries = candidates(statSync(pgdata, { throwIfNoEntry: false }));
      const { runAs, major } = await chooseRunAs(tries, postgres, dataDir);
      await ensureCluster({ dataDir, pgdata, initdb, runAs, major, durable: settings['fsync'] !== 'off' });
      const logFile = join(dataDir, 'postgres.log');
      const server = await obtainServer({ postgres, pgdata, logFile, runAs, settings });
      const password = readPassword(pgdata);
      const session = await connectAsSuperuser(server, password);
      const urls = await provision(session, server, password);
      return { urls, lease: await takeLease(session) };
    });

  const { urls, lease } = await obtain();
  const leased =
    onTrouble === undefined
      ? { end: () => Promise.resolve<Lease | undefined>(lease) }
      : supervise(lease, async () => (await obtain()).lease, onTrouble);
  return {
    ...urls,
    async stop() {
      const last = await leased.end();
      if (last === undefined) return;
      await withStartLock(pgdata, async () => {
        if (await last.release()) await shutdown(pgdata);
      });
    },
  };
}

async function obtainServer(options: Launch): Promise<Postmaster> {
  // A server found starting or stopping was left so by a process that was killed. It gets where it was going.
  const settled = await waitUntil(
    () => {
      const server = findPostmaster(options.pgdata);
      return server === undefined || server.ready ? { server } : undefined;
    },
    { timeoutMs: startTimeoutMs },
  );
  if (settled === undefined)
    throw new StartError(`Postgres is still starting or stopping: see ${options.logFile}.`);
  return settled.server ?? launch(options);
}
