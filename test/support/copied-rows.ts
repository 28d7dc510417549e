import type { Sql } from './sql.ts';

/** What a copy has of its own: SQL of a column's value, in terms of the row `t` and its number `k`, from 1. */
export type Own = Readonly<Record<string, string>>;

/** An id for copy `k`, later than all that the service has made by then, and in order. */
export const LATER_ID = `('f0000000-0000-7000-8000-' || lpad(to_hex(k), 12, '0'))::uuid`;

/** Copies the row of a table that `where` names so many times: a book grows by thousands in a second. */
export async function copyRow(
  sql: Sql,
  table: string,
  where: string,
  count: number,
  own: Own,
): Promise<void> {
  const columns = await sql.rows<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = $1`,
    [table],
  );
  const names = columns.map(({ name }) => name);
  await sql.rows(
    `insert into ${table} (${names.join(', ')})
     select ${names.map((name) => own[name] ?? `t.${name}`).join(', ')}
     from (select * from ${table} where ${where}) t cross join generate_series(1, ${count}) k`,
  );
}
