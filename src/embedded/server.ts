import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { waitUntil } from '../db/clock.ts';
import { machineOf, settingsFor } from './settings.ts';
import { disownStalePid, findPostmaster, type Postmaster } from './postmaster.ts';
import { type RunAs, spawnOptions } from './run-as.ts';
import { makeSocketDirectory, removeSocketDirectory } from './socket-directory.ts';
import { StartError } from '../start-error.ts';

/** What a start needs to know. `settings` win over those of settings.ts, and all of them over postgresql.conf. */
export type Launch = {
  postgres: string;
  pgdata: string;
  logFile: string;
  runAs: RunAs;
  settings: Readonly<Record<string, string>>;
};

/** Enough for the recovery of a large log. */
export const startTimeoutMs = 60_000;
const orphansTimeoutMs = 10_000;
const largestLog = 16 * 1024 * 1024;

/**
 * Starts Postgres and waits until it accepts connections, recovery after a crash included. Only under the
 * start lock, and only if none runs.
 * @throws with the end of Postgres' own log if it exits instead.
 */
export async function launch(options: Launch): Promise<Postmaster> {
  disownStalePid(options.pgdata);
  let said = '';
  const started = await waitUntil(
    async () => {
      const outcome = await tryLaunch(options);
      if (typeof outcome !== 'string') return outcome;
      said = outcome;
      // Backends of a killed server go by themselves, at their next look at it; sharing memory with them would
      // destroy data. Every other complaint will not go away by itself.
      if (!said.includes('pre-existing shared memory block'))
        throw new StartError(`Postgres did not start:\n${said}`);
      return undefined;
    },
    { timeoutMs: orphansTimeoutMs, everyMs: 100 },
  );
  if (started === undefined) throw new StartError(`Processes of an earlier Postgres do not end:\n${said}`);
  return started;
}

/** The running server, or what it wrote before it exited. */
async function tryLaunch({
  postgres,
  pgdata,
  logFile,
  runAs,
  settings,
}: Launch): Promise<Postmaster | string> {
  const socketDirectory = makeSocketDirectory(pgdata, runAs);
  const all = {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: '0700',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // One that is restored is ready once it has come to its moment, and not while it may only be read.
    hot_standby: 'off',
    ...settingsFor(machineOf(pgdata)),
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [program = '', ...args] = [...runAs.prefix, postgres, '-D', pgdata, ...flags];
  const { log, logStart } = openLog(logFile);
  // Detached: in our process group Ctrl-C would reach it first, and requests being finished would lose it.
  const child = spawn(program, args, { ...spawnOptions(runAs), detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  let exited = false;
  child.once('error', () => (exited = true));
  child.once('exit', () => (exited = true));
  const answer = await waitUntil<Postmaster | 'exited'>(
    () => {
      if (exited) return 'exited';
      const found = findPostmaster(pgdata);
      return found?.ready === true ? found : undefined;
    },
    { timeoutMs: startTimeoutMs },
  );
  if (answer === undefined) {
    // Not stopped: a long recovery would begin again from nothing at every attempt.
    throw new StartError(
      `Postgres is not ready after ${startTimeoutMs} ms and goes on starting: see ${logFile}.`,
    );
  }
  if (answer !== 'exited') return answer;
  removeSocketDirectory(socketDirectory);
  return readFileSync(logFile).subarray(logStart).toString().trim();
}

/** Appends, and keeps the log of at most one earlier period, so that it cannot fill the disk over the years. */
function openLog(logFile: string): { log: number; logStart: number } {
  const log = openSync(logFile, 'a', 0o600);
  const logStart = fstatSync(log).size;
  if (logStart < largestLog) return { log, logStart };
  closeSync(log);
  renameSync(logFile, `${logFile}.1`);
  return { log: openSync(logFile, 'a', 0o600), logStart: 0 };
}

/** Fast shutdown: sessions are cut, everything is written. Resolves when the process is gone. */
export async function shutdown(pgdata: string): Promise<void> {
  const server = findPostmaster(pgdata);
  if (server === undefined) return;
  const gone = () => (findPostmaster(pgdata) === undefined ? true : undefined);
  process.kill(server.pid, 'SIGINT');
  if ((await waitUntil(gone, { timeoutMs: 30_000 })) === undefined) {
    // Immediate shutdown; the next start recovers from the log, nothing that was committed is lost.
    process.kill(server.pid, 'SIGQUIT');
    if ((await waitUntil(gone, { timeoutMs: 10_000 })) === undefined) {
      throw new Error(`Postgres (process ${server.pid}) does not stop.`);
    }
  }
  removeSocketDirectory(server.socketDir);
}
