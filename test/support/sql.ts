import pg from 'pg';
import { types } from '../../src/db/types.ts';
import type { RoleUrls } from './databases.ts';

const owners = new Map<string, string>();

/** Tells who owns a database that the service works in with another role. */
export const hasOwner = ({ url, ownerUrl }: RoleUrls): void => void owners.set(url, ownerUrl);

/** A connection of the test's own, beside the service's, as the owner of the tables: asks them what the service wrote. */
export type Sql = {
  rows<Row = Record<string, any>>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  end(): Promise<void>;
};

/**
 * Values come as the service reads them: numeric as Amount, timestamptz as Instant. `as`: the owner of the database, where it
 * has another one than the service, or whom the URL names.
 */
export async function openSql(url: string, as: 'owner' | 'named' = 'owner'): Promise<Sql> {
  // Vacuum marks no page as seen by all before the commits of its rows are in the log, and plans depend on these marks.
  const options = '-c timezone=UTC -c synchronous_commit=on';
  const connectionString = as === 'owner' ? (owners.get(url) ?? url) : url;
  const client = new pg.Client({ connectionString, types, options });
  // A server that a test kills takes the connection with it.
  client.on('error', () => undefined);
  await client.connect();
  return {
    rows: async <Row>(text: string, params: readonly unknown[] = []) =>
      (await client.query(text, [...params])).rows as Row[],
    end: () => client.end(),
  };
}

/** What `work` did is undone, whatever becomes of it. */
export async function undone<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.rows('begin');
  try {
    return await work();
  } finally {
    await sql.rows('rollback');
  }
}

/** Each table's number of rows, and a digest of all they hold. Two equal ones are the same state. */
export async function stateOf(sql: Sql): Promise<Readonly<Record<string, string>>> {
  const tables = await sql.rows<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'knex%'`,
  );
  const counts = tables.map(
    ({ name }) =>
      `(select count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '')
        from ${name} t) as ${name}`,
  );
  const [state] = await sql.rows<Record<string, string>>(`select ${counts.join(', ')}`);
  return state!;
}
