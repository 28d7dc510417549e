import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Knex } from 'knex';
import { distribute } from './distribute.ts';
import { openKnex } from './knex.ts';
import { StartError } from '../start-error.ts';
import { requireSupportedPostgres } from './postgres-version.ts';

const ownFolder = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** Guards the migrations of one database. Any number, as long as every release uses this one. */
const lockKey = 848_401;

/**
 * Brings the schema up to this release and returns the names of the migrations that ran. When several
 * instances start at once one works and the others wait, `lockTimeoutMs` at most; then they find it done.
 * With `citus` it then spreads the tables over the cluster's nodes.
 * @throws if Postgres is too old, the schema is newer than this release, or a migration fails.
 */
export async function migrate({
  url,
  folder = ownFolder,
  citus = false,
  lockTimeoutMs = 60_000,
}: {
  url: string;
  folder?: string;
  citus?: boolean;
  lockTimeoutMs?: number;
}): Promise<string[]> {
  const connection = { connectionString: url, application_name: 'credit-ledger migrate' };
  // One holds the lock, one migrates.
  const db = openKnex(connection, 2, {
    migrationSource: forwardOnly(folder),
    disableMigrationsListValidation: true,
  });
  try {
    await requireSupportedPostgres(db);
    return await db.transaction(async (lock) => {
      await takeLock(lock, lockTimeoutMs);
      await refuseNewerSchema(db, folder);
      // Knex' own lock is a flag that outlives a process killed while migrating. Ours is held, so it is stale.
      await db.migrate.forceFreeMigrationsLock();
      const [, names] = (await db.migrate.latest()) as [number, string[]];
      if (citus) await distribute(db);
      return names;
    });
  } finally {
    await db.destroy();
  }
}

/** Held until the transaction ends, which it also does when this process dies. */
async function takeLock(lock: Knex.Transaction, timeoutMs: number): Promise<void> {
  // Idle is what this transaction is meant to be: a server's limit on that must not end it half way.
  await lock.raw(
    `select set_config('lock_timeout', ?, true), set_config('idle_in_transaction_session_timeout', '0', true)`,
    [`${timeoutMs}ms`],
  );
  try {
    await lock.raw('select pg_advisory_xact_lock(?)', [lockKey]);
  } catch (cause) {
    if ((cause as { code?: string }).code !== lockNotAvailable) throw cause;
    throw new StartError(
      `Another instance has been migrating this database for more than ${timeoutMs} ms: look for ` +
        `application_name 'credit-ledger migrate' in pg_stat_activity, and start again when it is done.`,
      { cause },
    );
  }
}

const lockNotAvailable = '55P03';

async function refuseNewerSchema(db: Knex, folder: string): Promise<void> {
  const [completed] = (await db.migrate.list()) as [{ name: string }[], unknown];
  const known = new Set(await migrationFiles(folder));
  const unknown = completed.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new StartError(
    `The database was migrated by a newer release, with ${unknown.join(', ')}, which this one does not have. ` +
      'Migrations only go forward: start that release or a later one.',
  );
}

/** Knex' own loader wants a `down` in every file; here there is none to write, and none that could be run. */
function forwardOnly(folder: string): Knex.MigrationSource<string> {
  return {
    getMigrations: () => migrationFiles(folder),
    getMigrationName: (name) => name,
    async getMigration(name) {
      const migration = (await import(pathToFileURL(join(folder, name)).href)) as Knex.Migration;
      return {
        ...migration,
        up: (trx) => explained(name, async () => migration.up(trx)),
        down: () => Promise.reject(new Error(`${name} cannot be undone: migrations only go forward.`)),
      };
    },
  };
}

/** In the order in which they run, that of their timestamps. Never none: then the folder is the wrong one. */
async function migrationFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted();
  const odd = names.find((name) => !/^\d{14}_\w+\.ts$/.test(name));
  if (odd !== undefined)
    throw new Error(`${join(folder, odd)} is not named <yyyymmddhhmmss>_<what it does>.ts.`);
  if (names.length === 0)
    throw new StartError(`There are no migrations in ${folder}: the installation is incomplete.`);
  return names;
}

async function explained(name: string, up: () => Promise<unknown>): Promise<void> {
  try {
    await up();
  } catch (cause) {
    throw new Error(`Migration ${name} failed: ${(cause as Error).message}`, { cause });
  }
}
