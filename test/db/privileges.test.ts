import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { SERVICE_UPDATES } from '../../src/tables/service-rights.ts';
import { databaseOf, userOf } from '../support/databases.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

/**
 * What the service's role may not do: every class of statement by which somebody could change what was written, or come to
 * be able to, on every table there is.
 */

const { url, ownerUrl } = await testDatabase();
const sql = await openSql(url);
const [service, owner, database] = [userOf(url), userOf(ownerUrl), databaseOf(url)];
// As whoever follows docs/operating.md does.
await sql.rows(`revoke temporary on database ${database} from public`);

/** The service's own connection, and what the server says beside its answers. */
const client = new pg.Client({ connectionString: url });
const notices: (string | undefined)[] = [];
client.on('notice', ({ code }) => notices.push(code));
await client.connect();
afterAll(() => Promise.all([client.end(), sql.end()]));

type Table = { readonly name: string; readonly columns: readonly string[]; readonly key: string };

// From the catalog: a table that is new is among them by itself.
const tables = await sql.rows<Table>(`
  select c.relname as name, (
      select array_agg(a.attname::text order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns, k.conname as key
  from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname`);

const CLASSES: Readonly<Record<string, (table: Table) => readonly string[]>> = {
  'update a column': ({ name, columns }) =>
    columns
      .filter((column) => SERVICE_UPDATES.get(name)?.has(column) !== true)
      .flatMap((column) => [
        `update ${name} set "${column}" = "${column}"`,
        `update ${name} set "${column}" = default`,
      ]),
  'update a row that is there': ({ name, columns }) =>
    columns
      .filter((column) => SERVICE_UPDATES.get(name)?.has(column) !== true)
      .map(
        (column) =>
          `merge into ${name} t using (values (1)) x (n) on true when matched then update set "${column}" = default`,
      ),
  delete: ({ name }) => [
    `delete from ${name}`,
    `with gone as (delete from ${name} returning *) select from gone`,
    `merge into ${name} t using (values (1)) x (n) on true when matched then delete`,
    `explain analyze delete from ${name}`,
    `do $$ begin execute 'delete from ${name}'; end $$`,
  ],
  truncate: ({ name }) => [
    `truncate ${name}`,
    `truncate ${name} cascade`,
    `truncate ${name} restart identity`,
  ],
  'lock out others': ({ name }) => [
    `lock table ${name} in access exclusive mode`,
    ...(SERVICE_UPDATES.has(name)
      ? []
      : [`select from ${name} for update`, `select from ${name} for key share`]),
  ],
  drop: ({ name }) => [`drop table ${name}`, `drop table ${name} cascade`],
  rename: ({ name, columns: [column] }) => [
    `alter table ${name} rename to other`,
    `alter table ${name} rename column "${column}" to other`,
    `alter table ${name} set schema pg_catalog`,
  ],
  'alter a column': ({ name, columns: [column] }) => [
    `alter table ${name} add column other text`,
    `alter table ${name} drop column "${column}"`,
    `alter table ${name} alter column "${column}" type text`,
    `alter table ${name} alter column "${column}" set default null`,
    `alter table ${name} alter column "${column}" drop not null`,
    `alter table ${name} alter column "${column}" set statistics 1`,
  ],
  'alter a constraint': ({ name, key }) => [
    `alter table ${name} add constraint other check (true)`,
    `alter table ${name} drop constraint ${key}`,
  ],
  'alter how it is stored': ({ name, key }) => [
    `alter table ${name} set (fillfactor = 10)`,
    `alter table ${name} set unlogged`,
    `alter table ${name} set tablespace pg_default`,
    `alter table ${name} replica identity nothing`,
    `alter table ${name} cluster on ${key}`,
    `alter index ${key} rename to other`,
    `drop index ${key}`,
    `reindex table ${name}`,
    `cluster ${name} using ${key}`,
  ],
  disable: ({ name }) => [
    `alter table ${name} disable trigger all`,
    `alter table ${name} enable trigger all`,
    `alter table ${name} disable rule other`,
    `alter table ${name} enable row level security`,
    `alter table ${name} disable row level security`,
    `alter table ${name} no force row level security`,
  ],
  rule: ({ name }) => [`create rule other as on insert to ${name} do instead nothing`],
  trigger: ({ name }) => [
    `create trigger other before insert on ${name} for each row execute function suppress_redundant_updates_trigger()`,
  ],
  policy: ({ name }) => [`create policy other on ${name} using (true)`],
  index: ({ name, columns: [column] }) => [`create index other on ${name} ("${column}")`],
  statistics: ({ name, columns: [one, two] }) => [
    `create statistics other on "${one}", "${two ?? one}" from ${name}`,
  ],
  'owned by': ({ name }) => [`alter table ${name} owner to current_user`],
  comment: ({ name }) => [`comment on table ${name} is 'other'`],
  publish: ({ name }) => [`create publication other for table ${name}`],
  'copy to or from the server': ({ name }) => [
    `copy ${name} to program 'true'`,
    `copy ${name} from program 'true'`,
    `copy ${name} to '/tmp/other'`,
    `copy ${name} from '/dev/null'`,
  ],
  grant: ({ name, columns: [column] }) => [
    `grant all on ${name} to public`,
    `grant delete, truncate on ${name} to current_user`,
    `grant update on ${name} to current_user`,
    `grant update ("${column}") on ${name} to current_user`,
    `grant insert on ${name} to ${owner} with grant option`,
  ],
  revoke: ({ name }) => [`revoke all on ${name} from ${owner}`, `revoke select on ${name} from public`],
};

const AROUND: Readonly<Record<string, readonly string[]>> = {
  'create in the schema': [
    'create table other ()',
    'create table other as table entries',
    'create view other as table entries',
    'create materialized view other as table entries',
    'create sequence other',
    'create type other as (a int)',
    `create function other() returns int language sql as 'select 1'`,
    `create function pg_temp.other() returns int language sql as 'select 1'`,
    'create temporary table entries ()',
    'create schema other',
    'create extension pg_trgm',
    'create table other (shard smallint, id bigint, foreign key (shard, id) references books (shard, id))',
  ],
  'become somebody else': [
    `set role ${owner}`,
    `set session authorization ${owner}`,
    `grant ${owner} to current_user`,
    `alter role ${owner} password 'other'`,
    'alter role current_user superuser',
    'alter role current_user createdb createrole bypassrls replication',
    'create role other',
    `drop role ${owner}`,
    `reassign owned by ${owner} to current_user`,
    `drop owned by ${owner}`,
    `alter default privileges for role ${owner} grant all on tables to ${service}`,
  ],
  'the database': [
    `drop database template1`,
    `alter database ${database} owner to current_user`,
    `alter database ${database} rename to other`,
    `alter database ${database} set default_transaction_read_only = on`,
    `create database other`,
    `grant all on database ${database} to current_user`,
    `alter schema public owner to current_user`,
    `drop schema public cascade`,
  ],
  'the server': [
    `alter system set fsync = off`,
    `set session_replication_role = replica`,
    `select set_config('session_replication_role', 'replica', false)`,
    `select pg_read_file('/etc/passwd')`,
    `select lo_import('/etc/passwd')`,
    `select pg_switch_wal()`,
    `select pg_backup_start('other')`,
    `checkpoint`,
    `create tablespace other location '/tmp'`,
    `create event trigger other on ddl_command_start execute function suppress_redundant_updates_trigger()`,
    `create foreign data wrapper other`,
    `create subscription other connection '' publication other`,
    `update pg_class set relacl = null where relname = 'entries'`,
    `delete from pg_trigger`,
  ],
};

const PERMISSION_DENIED = '42501';
/** Where a role has any other privilege Postgres warns that it grants, or revokes, nothing, and lets it be. */
const NOTHING_GRANTED = ['01007', '01006'];

/** The code of the error that a statement fails with, or of the warning that it comes to nothing with. What it did is undone. */
async function told(statement: string): Promise<string> {
  notices.length = 0;
  const alone = /^(create|drop|alter) (database|tablespace|system|subscription)|^cluster|^reindex/.test(
    statement,
  );
  if (!alone) await client.query('begin');
  try {
    await client.query(statement);
    return notices.at(-1) ?? 'nothing';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    if (!alone) await client.query('rollback');
  }
}

/** Who may do what, who owns what, and what stands between a statement and its rows. */
const CATALOG = `
  select c.relname, c.relowner, c.relacl::text, c.relrowsecurity, c.relkind, c.relhastriggers, c.relhasrules, c.reloptions,
    (select string_agg(a.attname || a.attacl::text, ',' order by a.attnum) from pg_attribute a where a.attrelid = c.oid) as columns
  from pg_class c where c.relnamespace = 'public'::regnamespace order by 1`;

const before = await sql.rows(CATALOG);
let tried = 0;

/** Of statements, those that are not refused, with what they come to. */
async function notRefused(statements: readonly string[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const statement of statements) {
    tried += 1;
    const code = await told(statement);
    const warned = /^(grant|revoke)/.test(statement) && NOTHING_GRANTED.includes(code);
    if (code !== PERMISSION_DENIED && !warned) wrong.push(`${code}: ${statement}`);
  }
  return wrong;
}

describe('on every table the service’s role is refused', () => {
  test.each(Object.entries(CLASSES))('%s', async (_, statementsOn) => {
    expect(await notRefused(tables.flatMap(statementsOn))).toEqual([]);
  });
});

describe('around the tables it is refused', () => {
  test.each(Object.entries(AROUND))('%s', async (_, statements) => {
    expect(await notRefused(statements)).toEqual([]);
  });
});

test('nothing of it has changed anything', async () => {
  const classes = [CLASSES, AROUND].flatMap((one) => Object.keys(one));
  console.log(
    `${tried} statements of ${classes.length} classes, on ${tables.length} tables: none was let through.`,
  );

  expect(await sql.rows(CATALOG)).toEqual(before);
});

test('of each table it may read all and insert, and update what is declared and nothing else', async () => {
  const rights = await sql.rows<{ name: string; table: string[]; updates: string[] }>(
    `select c.relname as name, array_agg(distinct acl.privilege_type::text) as "table", array(
       select a.attname::text from pg_attribute a, aclexplode(a.attacl) acl
       where a.attrelid = c.oid and acl.grantee = $1::regrole and acl.privilege_type = 'UPDATE' order by 1
     ) as updates
     from pg_class c, aclexplode(c.relacl) acl
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and acl.grantee = $1::regrole
     group by c.oid order by 1`,
    [service],
  );
  const wanted = tables
    .filter(({ name }) => name !== 'knex_migrations_lock')
    .map(({ name }) => ({
      name,
      table: name === 'knex_migrations' ? ['SELECT'] : ['INSERT', 'SELECT'],
      updates: [...(SERVICE_UPDATES.get(name) ?? [])].toSorted(),
    }));

  expect(rights).toEqual(wanted);
  expect(wanted.filter(({ updates }) => updates.length > 0).map(({ name }) => name)).toEqual([
    'advances',
    'allocations',
    'books',
    'charges',
    'grants',
    'late_summed',
    'scheduled_grants',
    'splits_kept',
  ]);
});

test('the owner, too, finds what was revoked when the tables were made', async () => {
  await expect(sql.rows('delete from entries')).rejects.toMatchObject({ code: PERMISSION_DENIED });
});
