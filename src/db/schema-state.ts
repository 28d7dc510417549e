import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import { StartError } from '../start-error.ts';

/** Where a database stands against the migrations of this release. */
export type SchemaState = {
  /** Migrations that have not run, in the order in which they are to. */
  readonly missing: readonly string[];
  /** Whether the role that asks may run them: it owns what there is, or may make it. */
  readonly mayMigrate: boolean;
};

export const MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** In the order in which they run, that of their timestamps. Never none: then the folder is the wrong one. */
export async function migrationFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted();
  const odd = names.find((name) => !/^\d{14}_\w+\.ts$/.test(name));
  if (odd !== undefined)
    throw new Error(`${join(folder, odd)} is not named <yyyymmddhhmmss>_<what it does>.ts.`);
  if (names.length === 0)
    throw new StartError(`There are no migrations in ${folder}: the installation is incomplete.`);
  return names;
}

// Where nobody has migrated yet, whoever may make a table may migrate.
const STANDS = `
  select m.oid is not null as migrated,
    coalesce(has_table_privilege(m.oid, 'select'), false) as readable,
    case when m.oid is null then coalesce(has_schema_privilege(current_schema(), 'create'), false)
         else pg_has_role(m.relowner, 'usage') end as "mayMigrate"
  from (values (1)) one left join pg_class m
    on m.relname = 'knex_migrations' and m.relnamespace = current_schema()::regnamespace`;

/** @throws if the schema is newer than this release. */
export async function schemaState(db: Knex, folder = MIGRATIONS): Promise<SchemaState> {
  const known = await migrationFiles(folder);
  const [stands] = (
    await db.raw<{ rows: { migrated: boolean; readable: boolean; mayMigrate: boolean }[] }>(STANDS)
  ).rows;
  const { migrated, readable, mayMigrate } = stands!;
  // Whoever may not read them has been granted nothing.
  if (!migrated || !readable) return { missing: known, mayMigrate };
  const { rows } = await db.raw<{ rows: { name: string }[] }>(
    'select name from knex_migrations order by name',
  );
  const completed = rows.map(({ name }) => name);
  refuseUnknown(completed.filter((name) => !known.includes(name)));
  return { missing: known.filter((name) => !completed.includes(name)), mayMigrate };
}

function refuseUnknown(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new StartError(
    `The database was migrated by a newer release, with ${names.join(', ')}, which this one does not have. ` +
      'Migrations only go forward: start that release or a later one.',
  );
}
