import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type RunAs } from './run-as.ts';
import { StartError } from '../start-error.ts';

/** The bootstrap superuser. The service itself connects as an ordinary role of provision.ts. */
export const superuser = 'postgres';

/**
 * Makes the cluster unless it is there. Built beside and renamed into place, so that a process killed in
 * the middle leaves nothing that looks like a cluster. Only under the start lock.
 * @throws if the cluster is of another major version of Postgres than the one installed.
 */
export async function ensureCluster(options: {
  dataDir: string;
  pgdata: string;
  initdb: string;
  runAs: RunAs;
  major: string;
  durable: boolean;
}): Promise<void> {
  const { dataDir, pgdata, initdb, runAs, major, durable } = options;
  if (existsSync(join(pgdata, 'PG_VERSION'))) return refuseOtherMajor(pgdata, major);
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(unfinished)) rmSync(join(dataDir, name), { recursive: true });
  }
  const workshop = mkdtempSync(join(dataDir, unfinished));
  const passwordFile = join(workshop, 'password');
  writeFileSync(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
  if (runAs.uid !== undefined && runAs.gid !== undefined) {
    for (const path of [workshop, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
  }
  const cluster = join(workshop, 'cluster');
  await run(runAs, [
    initdb,
    `--pgdata=${cluster}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Postgres' own locale: text sorts alike on every machine and after every upgrade of its C library.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ]);
  renameSync(passwordFile, join(cluster, 'password'));
  renameSync(cluster, pgdata);
  rmSync(workshop, { recursive: true });
}

/** The superuser's generated password, of which those of the other roles are made; its file is readable by its owner only. */
export function readPassword(pgdata: string): string {
  return readFileSync(join(pgdata, 'password'), 'utf8');
}

const unfinished = 'unfinished-';

function refuseOtherMajor(pgdata: string, major: string): void {
  const found = readFileSync(join(pgdata, 'PG_VERSION'), 'utf8').trim();
  if (found === major) return;
  throw new StartError(
    `${pgdata} was made by Postgres ${found}, but Postgres ${major} is installed. Move it over with pg_dump ` +
      `and pg_restore of Postgres ${found}, or set CREDIT_LEDGER_DATA_DIR to a new directory.`,
  );
}
