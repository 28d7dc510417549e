import { createHash } from 'node:crypto';
import { chownSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunAs } from './run-as.ts';
import { StartError } from '../start-error.ts';

/**
 * A socket needs no free port, and its path may have at most 107 bytes: too few for a data directory of
 * any depth, so it goes below the temporary directory, where its name is derived from the data directory
 * and the user who owns both.
 */
export function makeSocketDirectory(pgdata: string, { uid = process.getuid?.(), gid }: RunAs): string {
  const name = `credit-ledger-${uid}-${createHash('sha256').update(pgdata).digest('hex').slice(0, 16)}`;
  const directory = [join(tmpdir(), name), join('/tmp', name)].find(fits) ?? join('/tmp', name);
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined && uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
  // The name can be foreseen: whoever made it first could otherwise listen in our server's stead.
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new StartError(`${directory} exists and belongs to someone else: remove it, or set TMPDIR.`);
  }
  removeLeftSockets(directory);
  return directory;
}

/**
 * After kill -9 the socket's lock names a pid that may be in use again, and Postgres would not start. Only under the
 * start lock and with no server running is this directory asked for, so what lies here is nobody's.
 */
function removeLeftSockets(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith('.s.PGSQL.')) rmSync(join(directory, name), { force: true });
  }
}

/** Only if it is empty: the server's settings may have put its socket into a directory that others use. */
export function removeSocketDirectory(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // What is left is a name of a few bytes, used again by the next start.
  }
}

function fits(directory: string): boolean {
  return Buffer.byteLength(`${directory}/.s.PGSQL.65535`) <= 107;
}
