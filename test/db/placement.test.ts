import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { declaredStatements } from '../../src/db/database.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

/** What lets the service run on Citus unchanged: where rows lie is in every key, and every statement says it. */

const { url } = await testDatabase();
const sql = await openSql(url);

/** Statements that read more than one shard, on purpose. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  books_appeared: 'watched customers nobody had written about',
  books_due: 'the books in which something has fallen due, wherever they lie',
  books_newer_than: 'all watched books at once',
  count_books: 'how many books a verification has before it',
  scheduled_for_namespace: 'what a whole namespace has scheduled',
};

beforeAll(async () => {
  const modules = globSync('src/**/*.ts').filter(
    (file) => !/^src\/(main|migrate|forget-keys)\.ts$/.test(file),
  );
  for (const file of modules) await import(resolve(file));
});

const tables = async (): Promise<readonly string[]> =>
  (
    await sql.rows<{ name: string }>(
      `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
       and relname not in ('currencies', 'knex_migrations', 'knex_migrations_lock') order by 1`,
    )
  ).map(({ name }) => name);

describe('every table but currencies', () => {
  test('begins with the shard, and has it in every key and foreign key', async () => {
    const columns = await sql.rows<{ name: string; first: string }>(
      `select c.relname as name, a.attname as first from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum = 1
       where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
    );
    const keys = await sql.rows<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
       from pg_index join pg_class c on c.oid = indrelid where indisunique and c.relnamespace = 'public'::regnamespace
       union all
       select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f'`,
    );
    const own = await tables();

    expect(own.length).toBeGreaterThan(13);
    expect(columns.filter(({ name }) => own.includes(name)).every(({ first }) => first === 'shard')).toBe(
      true,
    );
    expect(
      keys
        .filter(({ name }) => !/^(currencies|knex)/.test(name))
        .filter(({ definition }) => !/[( ]shard[,)]/.test(definition)),
    ).toEqual([]);
  });
});

describe('every statement over such a table', () => {
  test('names one shard as a constant, or is known to read them all', async () => {
    const own = await tables();
    const over = [...declaredStatements].filter(([, text]) =>
      own.some((table) => new RegExp(`\\b(from|join|into|update)\\s+${table}\\b`).test(text)),
    );
    // By a parameter of its own, or by the one that holds the shard all rows share (src/db/placement.ts).
    const names = (text: string) =>
      /\bshard = \$1\b|\$\d+::smallint is null or|coalesce\(\$\d+::smallint/.test(text);

    expect(over.length).toBeGreaterThan(60);
    expect(
      over
        .filter(([, text]) => !names(text))
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(Object.keys(EVERYWHERE).toSorted());
  });
});
