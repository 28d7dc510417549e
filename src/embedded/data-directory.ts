import { mkdirSync, mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';

const PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it is on a file system that is read-only',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'it is a file',
  ENOENT: 'it cannot be made there',
  ENOSPC: 'its disk is full',
};

/**
 * Makes the directory unless it is there; gives its path without links.
 * @throws StartError where it cannot be made or written to.
 */
export function makeDataDirectory(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true });
    rmdirSync(mkdtempSync(join(dataDir, 'writable-')));
    return realpathSync(dataDir);
  } catch (error) {
    const problem = PROBLEMS[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    throw new StartError(
      `The data directory ${dataDir} cannot be used: ${problem}. Set CREDIT_LEDGER_DATA_DIR to one that can be ` +
        'written to, or DATABASE_URL to a Postgres of your own.',
    );
  }
}
