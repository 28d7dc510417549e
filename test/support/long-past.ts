import type { Sql } from './sql.ts';

/** What a book is to go through over and over again: the writes after `after`, each time so much later. */
export type Cycle = {
  readonly bookId: number;
  /** The last version before the cycle. */
  readonly after: number;
  /** How many versions it takes. */
  readonly versions: number;
  readonly everyMs: number;
};

/** The tables a cycle of grants and spends leaves rows in, each with its column that says under which version. */
const TABLES = {
  writes: 'version',
  grants: 'version',
  charges: 'version',
  allocations: 'version',
  scheduled_grants: 'known_from',
  transactions: 'version',
  entries: 'version',
} as const;

/** Columns that hold a version. */
const VERSIONS = new Set([
  'version',
  'closed_version',
  'booked_version',
  'voided_version',
  'reversed_version',
  'known_from',
  'known_until',
]);

/**
 * Gives a book a long past: the rows of its last cycle of writes are repeated `times` times, later each time and under
 * ids of their own. What a cycle gives it must use up, so that running totals are the same after each; the hash chain
 * is not continued. Everything is as the service would have written it otherwise, and takes seconds instead of hours.
 */
export async function repeat(sql: Sql, { bookId, after, versions, everyMs }: Cycle, times: number) {
  for (const [table, versionColumn] of Object.entries(TABLES)) {
    const columns = await sql.rows<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns where table_name = $1`,
      [table],
    );
    const values = columns.map(({ name, type }) => repeated(name, type, versions, everyMs));
    await sql.rows(
      `insert into ${table} (${columns.map(({ name }) => name).join(', ')})
       select ${values.join(', ')} from generate_series(1, ${times}) k
       cross join lateral (select * from ${table} where book_id = $1 and ${versionColumn} > $2) t`,
      [bookId, after],
    );
  }
  await sql.rows(
    `update books set version = version + $2, clock = clock + $3 * interval '1 millisecond' where id = $1`,
    [bookId, times * versions, times * everyMs],
  );
  await sql.rows(`vacuum (analyze) ${Object.keys(TABLES).join(', ')}, books`);
}

function repeated(column: string, type: string, versions: number, everyMs: number): string {
  if (VERSIONS.has(column)) return `t.${column} + k * ${versions}`;
  if (type === 'timestamp with time zone') return `t.${column} + k * interval '${everyMs} milliseconds'`;
  return type === 'uuid' ? `md5(t.${column}::text || k)::uuid` : `t.${column}`;
}
