import { afterAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

const { url: plain } = await testDatabase('empty');
const { url } = await testDatabase('empty');
const sql = await openSql(url);
afterAll(() => sql.end());

test('a database without Citus is refused, and says what to do', async () => {
  await expect(migrate({ url: plain, citus: true })).rejects.toThrow('create extension citus');
});

test('tables are spread by shard beside books, which comes first, and only once', async () => {
  // Stands in for the extension: it notes what it is asked for, as Citus does in pg_dist_partition.
  await sql.rows(`create table calls (ordinal serial, name text, by text, beside text)`);
  await sql.rows(`create table pg_dist_partition (logicalrelid regclass)`);
  await sql.rows(`create function create_distributed_table(name text, by text, colocate_with text) returns void
    begin atomic
      insert into calls (name, by, beside) values (name, by, colocate_with);
      insert into pg_dist_partition values (name::regclass);
    end`);
  await sql.rows(`create function create_reference_table(name text) returns void
    begin atomic
      insert into calls (name, by) values (name, 'everywhere');
      insert into pg_dist_partition values (name::regclass);
    end`);

  await migrate({ url, citus: true });
  await migrate({ url, citus: true });

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
