import type { Knex } from 'knex';
import { StartError } from '../start-error.ts';

/**
 * Spreads the tables over the nodes of a Citus cluster: every table with a `shard` column by it, all side by side with
 * `books`, and `currencies` whole on every node. What is distributed already stays as it is, so it may run after every
 * migration. Empty tables are distributed at once; tables with rows are copied, and writes wait for it.
 * @throws if the database has no Citus.
 */
export async function distribute(db: Knex): Promise<readonly string[]> {
  const hasCitus = `select from pg_proc where proname = 'create_distributed_table'`;
  if ((await rowsOf(db, hasCitus)).length === 0) {
    throw new StartError(
      'CREDIT_LEDGER_CITUS is on, but this database has no Citus: run "create extension citus" on it, or turn it off.',
    );
  }
  const tables = (await rowsOf<{ name: string }>(db, UNDISTRIBUTED)).map(({ name }) => name);
  for (const table of tables) {
    if (table === 'currencies') await db.raw(`select create_reference_table(?)`, [table]);
    else {
      // `books` comes first: the others lie where it does, and some refer to it.
      const beside = table === 'books' ? 'none' : 'books';
      await db.raw(`select create_distributed_table(?, 'shard', colocate_with => ?)`, [table, beside]);
    }
  }
  return tables;
}

const rowsOf = async <Row>(db: Knex, sql: string): Promise<readonly Row[]> =>
  (await db.raw<{ readonly rows: readonly Row[] }>(sql)).rows;

const UNDISTRIBUTED = `
  select t.relname as name
  from pg_class t
  where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    and (t.relname = 'currencies'
      or exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'shard' and not a.attisdropped))
    and not exists (select from pg_dist_partition p where p.logicalrelid = t.oid)
  order by t.relname <> 'books', t.relname`;
