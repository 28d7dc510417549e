import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Knex } from 'knex';
import { alone } from './alone.ts';
import { distribute } from './distribute.ts';
import { openKnex } from './knex.ts';
import { requireSupportedPostgres } from './postgres-version.ts';
import { grantService, type Grantee } from './privileges.ts';
import { MIGRATIONS, migrationFiles, schemaState } from './schema-state.ts';

/** Guards the migrations of one database. Any number, as long as every release uses this one. */
const lockKey = 848_401;

/**
 * Brings the schema up to this release and returns the names of the migrations that ran. When several
 * instances start at once one works and the others wait, `lockTimeoutMs` at most; then they find it done.
 * With `citus` it then spreads the tables over the cluster's nodes. Last it grants the service's role what that needs.
 * @throws if Postgres is too old, the schema is newer than this release, or a migration fails.
 */
export async function migrate({
  url,
  folder = MIGRATIONS,
  citus = false,
  grantTo,
  lockTimeoutMs = 60_000,
}: {
  url: string;
  folder?: string;
  citus?: boolean;
  /** Left out: the role that migrates is the service's own. */
  grantTo?: Grantee | undefined;
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
    const busy =
      `Another instance has been migrating this database for more than ${lockTimeoutMs} ms: look for ` +
      `application_name 'credit-ledger migrate' in pg_stat_activity, and start again when it is done.`;
    return await alone(db, { key: lockKey, waitMs: lockTimeoutMs, busy }, async () => {
      await schemaState(db, folder);
      // Knex' own lock is a flag that outlives a process killed while migrating. Ours is held, so it is stale.
      await db.migrate.forceFreeMigrationsLock();
      const [, names] = (await db.migrate.latest()) as [number, string[]];
      const spread = citus ? await distribute(db, names.length > 0) : [];
      const anew = citus && names.length + spread.length > 0;
      if (grantTo !== undefined) await grantService(db, grantTo, { whole: citus, anew });
      return names;
    });
  } finally {
    await db.destroy();
  }
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

async function explained(name: string, up: () => Promise<unknown>): Promise<void> {
  try {
    await up();
  } catch (cause) {
    throw new Error(`Migration ${name} failed: ${(cause as Error).message}`, { cause });
  }
}
