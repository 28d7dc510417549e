import { readConfig, type Config } from './config.ts';
import { ConfigError } from './environment.ts';
import { waitUntil } from './db/clock.ts';
import { openKnex } from './db/knex.ts';
import { migrate } from './db/migrate.ts';
import { standingOf, type RoleStanding } from './db/privileges.ts';
import { explainDatabase, reachDatabase, type Setting } from './db/reach.ts';
import { schemaState } from './db/schema-state.ts';
import { startEmbeddedPostgres } from './embedded/start.ts';
import type { OnTrouble } from './embedded/supervise.ts';
import type { Log } from './log.ts';
import { StartError } from './start-error.ts';
import { SERVICE_UPDATES } from './tables/service-rights.ts';

/** What every process of ours needs before its own work: its configuration, a database, and the schema in it. */

export function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

/** A database that takes connections, as the role that the service works with, and as the owner, if that is known. */
export type DatabaseAtHand = {
  readonly service: Setting;
  readonly owner: Setting | undefined;
  /** Lets go of it: an embedded one is stopped, unless somebody else uses it. */
  release(): Promise<void>;
};

/** The database of the configuration, started or waited for. `onTrouble`: told where an embedded one ends by itself. */
export async function bringUpDatabase(
  { database, migrateUrl, databaseWaitMs: waitMs }: Config,
  log: Log,
  onTrouble?: OnTrouble,
): Promise<DatabaseAtHand> {
  if (database.kind === 'embedded') {
    const { dataDir } = database;
    const postgres = await startEmbeddedPostgres({ dataDir, ...(onTrouble !== undefined && { onTrouble }) });
    const variable = 'CREDIT_LEDGER_DATA_DIR';
    return {
      service: { url: postgres.url, variable },
      owner: { url: postgres.ownerUrl, variable },
      release: () => postgres.stop(),
    };
  }
  const service = { url: database.url, variable: 'DATABASE_URL' };
  const owner =
    migrateUrl === undefined ? undefined : { url: migrateUrl, variable: 'CREDIT_LEDGER_MIGRATE_URL' };
  for (const setting of owner === undefined ? [service] : [service, owner])
    await reachDatabase(setting, { waitMs, onWaiting: onWaiting(log) });
  return { service, owner, release: () => Promise.resolve() };
}

export const onWaiting = (log: Log) => (why: string) => log.warn({ why }, 'waiting for the database');

/**
 * Brings the schema to this release: as the owner, where that is known, else as the service's own role, where that may.
 * Where it may not somebody else migrates, and is waited for.
 * @throws StartError where nobody has, or the service's role may not do what the service does.
 */
export async function bringUpSchema(
  { service, owner }: Pick<DatabaseAtHand, 'service' | 'owner'>,
  { citus, databaseWaitMs }: Config,
  log: Log,
): Promise<void> {
  const migrating = owner ?? ((await askIn(service, schemaState)).mayMigrate ? service : undefined);
  if (migrating !== undefined) {
    const role = owner === undefined ? undefined : await askIn(service, roleOf);
    const grantTo = role === undefined ? undefined : { role, updates: SERVICE_UPDATES };
    const migrations = await migrate({ url: migrating.url, citus, grantTo }).catch((error: unknown) => {
      throw explainDatabase(error, migrating);
    });
    if (migrations.length > 0) log.info({ migrations }, 'the schema is up to date');
  }
  const waitMs = migrating === undefined ? databaseWaitMs : 0;
  const { role, unprotected } = await whenUsable(service, { citus, waitMs }, log);
  if (unprotected.length === 0) return;
  log.warn(
    { role, unprotected },
    'what was written is not protected from the service’s own database role: see "Two roles" in docs/operating.md',
  );
}

/** How the service's role stands, once it can do its work; perhaps somebody migrates just now. */
async function whenUsable(
  service: Setting,
  { citus, waitMs }: { readonly citus: boolean; readonly waitMs: number },
  log: Log,
): Promise<RoleStanding> {
  let why = '';
  const usable = async (): Promise<RoleStanding | undefined> => {
    const { missing } = await askIn(service, schemaState);
    const standing =
      missing.length > 0 ? null : await askIn(service, (db) => standingOf(db, SERVICE_UPDATES, citus));
    if (standing?.missing.length === 0) return standing;
    const before = why;
    why =
      standing === null
        ? 'has not been migrated to this release, and its user may not do so, as it does not own it'
        : `has not granted its user (${standing.role}) what the service needs, of ${standing.missing.join(', ')}`;
    if (waitMs > 0 && before === '') onWaiting(log)(`the database of ${service.variable} ${why}`);
    return undefined;
  };
  const standing = await waitUntil(usable, { timeoutMs: waitMs, everyMs: Math.min(TRY_EVERY_MS, waitMs) });
  if (standing !== undefined) return standing;
  throw new StartError(
    `The database of ${service.variable} ${why}: have its owner migrate it (npm run migrate, with ` +
      'CREDIT_LEDGER_MIGRATE_URL and DATABASE_URL), or set CREDIT_LEDGER_MIGRATE_URL here. ' +
      `Waited ${waitMs / 1_000} seconds for it (CREDIT_LEDGER_DATABASE_WAIT_MS).`,
  );
}

const TRY_EVERY_MS = 500;

const roleOf = async (db: ReturnType<typeof openKnex>): Promise<string> =>
  (await db.raw<{ rows: { role: string }[] }>('select current_user::text as role')).rows[0]!.role;

/** One question on a connection of its own. */
async function askIn<T>(setting: Setting, ask: (db: ReturnType<typeof openKnex>) => Promise<T>): Promise<T> {
  const db = openKnex({ connectionString: setting.url, application_name: 'credit-ledger start' }, 1);
  try {
    return await ask(db);
  } catch (error) {
    throw explainDatabase(error, setting);
  } finally {
    await db.destroy();
  }
}
