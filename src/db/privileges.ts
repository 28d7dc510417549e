import type { Knex } from 'knex';

/**
 * What the service's role may do in the database: read every table, insert into each of the ledger's, and update the
 * columns that are declared. It owns nothing, so that it can neither change what was written nor let itself do so
 * (docs/decisions/0033-two-roles.md).
 */

/** Columns by table. */
type Updates = ReadonlyMap<string, ReadonlySet<string>>;

/** Whom the owner of the tables grants what the service needs. */
export type Grantee = { readonly role: string; readonly updates: Updates };

type Rights = {
  /** Those on the whole table, in alphabetical order. */
  readonly privileges: readonly string[];
  /** The columns that may be updated, in alphabetical order. */
  readonly updates: readonly string[];
};

/** What a role may do to a table, whoever granted it, and what it is to. */
type TableRights = {
  readonly table: string;
  readonly owns: boolean;
  readonly has: Rights;
  readonly wanted: Rights;
};

const NONE: Rights = { privileges: [], updates: [] };

// What may be done to a whole table may be done to each of its columns, too.
const RIGHTS = `
  select c.relname as "table", pg_has_role(r.oid, c.relowner, 'member') as owns,
    array(
      select p from unnest('{DELETE,INSERT,REFERENCES,SELECT,TRIGGER,TRUNCATE,UPDATE}'::text[]) p
      where has_table_privilege(r.oid, c.oid, p)
    ) as privileges,
    array(
      select a.attname::text from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE')
      order by a.attname
    ) as updates
  from pg_class c join pg_roles r on r.rolname = ?
  where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
  order by c.relname`;

/**
 * `whole`: privileges to update are of whole tables, as Citus knows no others on tables that it has spread over its nodes.
 */
async function rightsOf(
  db: Knex,
  { role, updates }: Grantee,
  whole: boolean,
): Promise<readonly TableRights[]> {
  const rows = await rowsOf<Rights & { table: string; owns: boolean }>(db, RIGHTS, [role]);
  return rows.map(({ table, owns, ...has }) => ({
    table,
    owns,
    has,
    wanted: wantedOf(table, updates, whole),
  }));
}

function wantedOf(table: string, updates: Updates, whole: boolean): Rights {
  // Knex' own: which migrations have run, and whether one is running, which is of no concern to the service.
  if (table === 'knex_migrations_lock') return NONE;
  if (table === 'knex_migrations') return { ...NONE, privileges: ['SELECT'] };
  const columns = [...(updates.get(table) ?? [])].toSorted();
  return whole && columns.length > 0
    ? { ...NONE, privileges: ['INSERT', 'SELECT', 'UPDATE'] }
    : { privileges: ['INSERT', 'SELECT'], updates: columns };
}

const isLacking = ({ has, wanted }: TableRights): boolean =>
  wanted.privileges.some((one) => !has.privileges.includes(one)) ||
  wanted.updates.some((column) => !has.updates.includes(column));

/** What it may do beyond what it is to. */
function surplusOf({ has, wanted }: TableRights): readonly string[] {
  const more = has.privileges.filter((one) => one !== 'UPDATE' && !wanted.privileges.includes(one));
  const updates = wanted.privileges.includes('UPDATE')
    ? []
    : has.updates.filter((column) => !wanted.updates.includes(column));
  return [...more.map((one) => one.toLowerCase()), ...(updates.length === 0 ? [] : ['update'])];
}

/**
 * Grants the role what it is to have, and takes from it what it has besides, in one transaction. Tables that are as they
 * are to be are left alone, unless nodes that got them just now are to be told, `anew`. The owner is granted nothing.
 */
export async function grantService(
  db: Knex,
  to: Grantee,
  { whole = false, anew = false }: { readonly whole?: boolean; readonly anew?: boolean } = {},
): Promise<void> {
  const tables = await rightsOf(db, to, whole);
  if (tables.some(({ owns }) => owns)) return;
  const [schema] = await rowsOf<{ name: string; usable: boolean }>(
    db,
    `select current_schema()::text as name, has_schema_privilege(?, current_schema(), 'usage') as usable`,
    [to.role],
  );
  const wrong = tables.filter((one) => anew || isLacking(one) || surplusOf(one).length > 0);
  await db.transaction(async (trx) => {
    if (schema?.usable === false) await trx.raw('grant usage on schema ?? to ??', [schema.name, to.role]);
    for (const { table, wanted } of wrong) {
      await trx.raw('revoke all on ?? from ??', [table, to.role]);
      for (const privilege of wanted.privileges)
        await trx.raw(`grant ${privilege} on ?? to ??`, [table, to.role]);
      for (const column of wanted.updates)
        await trx.raw('grant update (??) on ?? to ??', [column, table, to.role]);
    }
  });
}

/** How a role stands in a database that has been migrated. */
export type RoleStanding = {
  readonly role: string;
  /** Tables to which it may not do all that the service does. */
  readonly missing: readonly string[];
  /** What it may do besides, by which it could change what was written; in words. */
  readonly unprotected: readonly string[];
};

/** How the role that asks stands. */
export async function standingOf(db: Knex, updates: Updates, whole: boolean): Promise<RoleStanding> {
  const [me] = await rowsOf<{ role: string; superuser: boolean; creates: boolean }>(
    db,
    `select current_user::text as role, rolsuper as superuser,
       has_schema_privilege(current_schema(), 'create') as creates
     from pg_roles where rolname = current_user`,
  );
  const { role, superuser, creates } = me!;
  const standing = { role, missing: [] };
  if (superuser) return { ...standing, unprotected: ['is a superuser, whom no privilege binds'] };
  const tables = await rightsOf(db, { role, updates }, whole);
  if (tables.some(({ owns }) => owns))
    return {
      ...standing,
      unprotected: ['owns the tables, so it can drop them and grant itself what is revoked'],
    };
  const surplus = tables.flatMap((one) => surplusOf(one).map((privilege) => `may ${privilege} ${one.table}`));
  return {
    role,
    missing: tables.filter(isLacking).map(({ table }) => table),
    unprotected: [...surplus, ...(creates ? ['may create in the schema'] : [])],
  };
}

const rowsOf = async <Row>(db: Knex, sql: string, params: readonly string[] = []): Promise<readonly Row[]> =>
  (await db.raw<{ readonly rows: readonly Row[] }>(sql, params)).rows;
