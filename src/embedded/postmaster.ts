import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A running Postgres of ours. `ready`: it accepts connections; before that it may be recovering. */
export type Postmaster = { pid: number; port: number; socketDir: string; ready: boolean };

/**
 * The server of a data directory, if one runs. postmaster.pid alone proves nothing: after kill -9 it stays,
 * and its number may belong to any process by now. Only a process that is postgres and was told this
 * directory counts.
 */
export function findPostmaster(pgdata: string): Postmaster | undefined {
  const [pid, , , port, socketDir, , , status] = read(join(pgdata, 'postmaster.pid'), '\n');
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`, '\0');
  if (basename(program) !== 'postgres' || !args.includes(pgdata)) return undefined;
  return {
    pid: Number(pid),
    port: Number(port),
    socketDir: socketDir ?? '',
    ready: status?.trim() === 'ready',
  };
}

/**
 * After kill -9 the recorded pid may be in use again, or be a zombie that its parent never collects:
 * Postgres would take either for a rival and refuse to start. The pid is replaced by one Linux never gives
 * out. The rest of the file stays: by it Postgres still notices orphaned backends, and waits for them to go.
 */
export function disownStalePid(pgdata: string): void {
  const path = join(pgdata, 'postmaster.pid');
  const [pid, ...rest] = read(path, '\n');
  if (pid !== undefined) writeFileSync(path, [neverGivenOut, ...rest].join('\n'));
}

/** PID_MAX_LIMIT of Linux; pids stay below it. */
const neverGivenOut = 4_194_304;

/** The parts of a file, none if it is not there or not ours to read. */
function read(path: string, separator: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(separator);
  } catch {
    return [];
  }
}
