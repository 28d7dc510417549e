import { afterAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { SERVICE_UPDATES } from '../../src/tables/service-rights.ts';
import { userOf } from '../support/databases.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

const { url: plain } = await testDatabase('empty');
const { url } = await testDatabase('empty');
const migrated = await testDatabase();
const sql = await openSql(url);
afterAll(() => sql.end());

test('a database without Citus is refused, and says what to do', async () => {
  await expect(migrate({ url: plain, citus: true })).rejects.toThrow('create extension citus');
});

test('tables are spread by shard beside books, which comes first, and only once', async () => {
  // Stands in for the extension: it notes what it is asked for, as Citus does in pg_dist_partition.
  await sql.rows(`create table calls (ordinal serial, name text, by text, beside text)`);
  await sql.rows(`create table pg_dist_partition (logicalrelid regclass)`);
  // And it gives the owner everything, as Citus does on the other nodes.
  await sql.rows(`create function create_distributed_table(text, text, colocate_with text) returns void
    language plpgsql as $$ begin
      insert into calls (name, by, beside) values ($1, $2, colocate_with);
      insert into pg_dist_partition values ($1::regclass);
      execute format('grant all on %I to current_user', $1);
    end $$`);
  await sql.rows(`create function create_reference_table(name text) returns void
    begin atomic
      insert into calls (name, by) values (name, 'everywhere');
      insert into pg_dist_partition values (name::regclass);
    end`);

  const grantTo = { role: userOf(migrated.url), updates: SERVICE_UPDATES };
  await migrate({ url, citus: true, grantTo });
  await migrate({ url, citus: true, grantTo });

  const calls = await sql.rows<{ name: string; by: string; beside: string | null }>(
    'select name, by, beside from calls order by ordinal',
  );
  const sharded = await sql.rows<{ name: string }>(
    `select table_name as name from information_schema.columns
     where column_name = 'shard' and table_schema = 'public' order by table_name <> 'books', table_name`,
  );
  expect(calls[0]).toEqual({ name: 'books', by: 'shard', beside: 'none' });
  expect(calls.filter(({ by }) => by === 'everywhere').map(({ name }) => name)).toEqual(['currencies']);
  expect(calls.filter(({ by }) => by === 'shard').map(({ name }) => name)).toEqual(
    sharded.map(({ name }) => name),
  );
  expect(calls.slice(1).filter(({ by, beside }) => by === 'shard' && beside !== 'books')).toEqual([]);
});

/** By table: what a role may do to rows that are there, of whole tables. */
const changesOf = async (databaseUrl: string, role: string) => {
  const own = await openSql(databaseUrl);
  const rows = await own.rows<{ name: string; may: string[] }>(
    `select c.relname as name, array(
       select p from unnest('{DELETE,TRUNCATE,UPDATE}'::text[]) p where has_table_privilege($1, c.oid, p)
     ) as may
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
       and c.relname not in ('calls', 'pg_dist_partition', 'knex_migrations', 'knex_migrations_lock') order by 1`,
    [role],
  );
  await own.end();
  return Object.fromEntries(rows.map(({ name, may }) => [name, may]));
};

test('what the owner may not do is taken from it again once the tables are spread', async () => {
  const owner = userOf(url);
  const elsewhere = await changesOf(migrated.ownerUrl, owner);

  // No columns on distributed tables: of this one the owner may update others, too.
  const allocations = [...elsewhere['allocations']!, 'UPDATE'];
  expect(await changesOf(url, owner)).toEqual({ ...elsewhere, allocations });
  expect(elsewhere).toMatchObject({ allocations: [], entries: [], writes: [] });
});

test('the service’s role may update whole tables there, those of which it updates something', async () => {
  const may = await changesOf(url, userOf(migrated.url));

  expect(Object.keys(may).length).toBeGreaterThan(15);
  for (const [table, changes] of Object.entries(may)) {
    expect(changes, table).toEqual(SERVICE_UPDATES.has(table) ? ['UPDATE'] : []);
  }
});
