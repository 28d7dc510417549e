import type { Knex } from 'knex';
import { StartError } from '../start-error.ts';

/**
 * Spreads the tables over the nodes of a Citus cluster: every table with a `shard` column by it, all side by side with
 * `books`, and `currencies` whole on every node. What is distributed already stays as it is, so it may run after every
 * migration. Empty tables are distributed at once; tables with rows are copied, and writes wait for it.
 *
 * What the owner may not do is taken from it once more after that, as Citus gives it everything on the other nodes; and
 * whenever tables are `changed`, as another release may not have done so.
 * @throws if the database has no Citus.
 */
export async function distribute(db: Knex, changed: boolean): Promise<readonly string[]> {
  const hasCitus = `select from pg_proc where proname = 'create_distributed_table'`;
  if ((await rowsOf(db, hasCitus)).length === 0) {
    throw new StartError(
      'CREDIT_LEDGER_CITUS is on, but this database has no Citus: run "create extension citus" on it, or turn it off.',
    );
  }
  const tables = (await rowsOf<{ name: string }>(db, UNDISTRIBUTED)).map(({ name }) => name);
  const revoked = await rowsOf<{ name: string; privileges: string }>(db, REVOKED);
  for (const table of tables) {
    if (table === 'currencies') await db.raw(`select create_reference_table(?)`, [table]);
    else {
      // `books` comes first: the others lie where it does, and some refer to it.
      const beside = table === 'books' ? 'none' : 'books';
      await db.raw(`select create_distributed_table(?, 'shard', colocate_with => ?)`, [table, beside]);
    }
  }
  if (changed || tables.length > 0) {
    for (const { name, privileges } of revoked)
      await db.raw(`revoke ${privileges} on ?? from current_user`, [name]);
  }
  return tables;
}

const rowsOf = async <Row>(db: Knex, sql: string): Promise<readonly Row[]> =>
  (await db.raw<{ readonly rows: readonly Row[] }>(sql)).rows;

// Of a table of which the owner may update some columns nothing is taken but the rest: Citus knows no columns there.
const REVOKED = `
  select c.relname as name, string_agg(privilege, ', ' order by privilege) as privileges
  from pg_class c cross join unnest('{DELETE,TRUNCATE,UPDATE}'::text[]) privilege
  where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relacl is not null
    and not exists (
      select from aclexplode(c.relacl) acl where acl.grantee = c.relowner and acl.privilege_type = privilege)
    and not (privilege = 'UPDATE' and exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null))
  group by c.relname order by c.relname`;

const UNDISTRIBUTED = `
  select t.relname as name
  from pg_class t
  where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    and (t.relname = 'currencies'
      or exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'shard' and not a.attisdropped))
    and not exists (select from pg_dist_partition p where p.logicalrelid = t.oid)
  order by t.relname <> 'books', t.relname`;
