import { expect } from 'vitest';
import type { Connection } from '../../src/db/database.ts';
import { uuidOf } from '../../src/id.ts';
import { hashAfter } from '../../src/verify/chain.ts';
import { readBook } from '../../src/verify/check-book.ts';
import { sealedVersions } from '../../src/verify/facts.ts';
import { GENESIS } from '../../src/ledger/hash.ts';
import { accountsOf } from '../../src/verify/written.ts';
import type { Sql } from './sql.ts';
import { verified, type Verified } from './verifier.ts';
import { everything, type Story } from './verify-story.ts';
import type { World } from './world.ts';

/**
 * Makes a damaged book agree with itself again where the damage is not about that: a forger with every privilege, who
 * recomputes what follows from what was forged.
 */

/** What only the tables' owner can do, on purpose: what was written may be changed, also against its constraints. */
export async function allowDamage(sql: Sql): Promise<void> {
  await sql.rows(`grant update, delete on writes, transactions, entries, charge_events, former_terms, reductions, allocations
    to current_user`);
  for (const [table, constraint] of [
    ['grants', 'grants_closed_identity'],
    ['transactions', 'transactions_booked_in_the_past'],
    ['scheduled_grants', 'scheduled_grants_known_span'],
  ]) {
    await sql.rows(`alter table ${table} drop constraint ${constraint}`);
  }
}

/** The columns of the ledger's tables that are of one of some types. */
export const columnsOf = (sql: Sql, ...types: string[]): Promise<readonly TableColumn[]> =>
  sql.rows<TableColumn>(
    `select table_name::text as "table", column_name::text as "column", data_type::text as type
     from information_schema.columns
     where table_schema = 'public' and table_name not like 'knex%' and (data_type = any($1) or cardinality($1) = 0)
     order by table_name, ordinal_position`,
    [types],
  );

export type TableColumn = { readonly table: string; readonly column: string; readonly type: string };

/**
 * Takes away every privilege that is missed and every condition but keys and those of columns that only mean something
 * together, so that any row can be changed and put back.
 */
export async function allowAnything(sql: Sql): Promise<void> {
  const conditions = await sql.rows<{ table: string; name: string }>(
    `select conrelid::regclass::text as "table", conname::text as name from pg_constraint
     where contype in ('c', 'f') and conname not like '%\\_together' and connamespace = 'public'::regnamespace`,
  );
  for (const { table, name } of conditions) await sql.rows(`alter table ${table} drop constraint ${name}`);
  await sql.rows('grant all on all tables in schema public to current_user');
}

/** What is found in a namespace after some statements about some tables, which are then put back as they were. */
export async function foundWhile(
  { sql, url }: Pick<World, 'sql' | 'url'>,
  tables: readonly string[],
  statements: string,
): Promise<Verified> {
  await sql.rows(tables.map((table) => `create temp table kept_${table} as table ${table}`).join(';'));
  try {
    await sql.rows(statements);
    return await verified(url, {});
  } finally {
    await sql.rows(
      tables
        .map(
          (table) =>
            `delete from ${table}; insert into ${table} table kept_${table}; drop table kept_${table}`,
        )
        .join(';'),
    );
  }
}

type Book = { readonly shard: number; readonly id: number };
export type Damage = (book: Book, story: Story) => Promise<void>;

/** One statement about the book; `$1` is its id, `$2` and on what is given. It has to change exactly one row. */
export const rowOf =
  (sql: Sql) =>
  (text: string, params: (story: Story) => readonly string[] = () => []): Damage =>
  async ({ id }, story) => {
    const changed = await sql.rows(`${text} returning 1`, [id, ...params(story).map(uuidOf)]);
    expect(changed).toHaveLength(1);
  };

/** What is found in the book of a customer who has something of everything, once it is damaged; before, nothing is. */
export async function verifiedAfter(world: World, customerId: string, damage: Damage): Promise<Verified> {
  const { sql, url } = world;
  const story = await everything(world, customerId);
  const [book] = await sql.rows<Book>('select shard, id from books where customer_id = $1', [customerId]);
  expect((await verified(url, { customerId })).findings.map(({ message }) => message)).toEqual([]);
  await damage(book!, story);
  return verified(url, { customerId });
}

/** Running totals and what remains of grants as the amounts give them. */
export async function retotal(sql: Sql, { id }: Book): Promise<void> {
  await sql.rows(
    `update entries e set running_total = x.total, grant_remaining = x.remaining
     from (
       select e.version, e.position,
              sum(e.amount) over (partition by e.sub_account order by e.version, e.position) as total,
              case when s.type = 'CUSTOMER_FBO' then sum(e.amount) filter (where s.type = 'CUSTOMER_FBO')
                over (partition by e.grant_id order by e.version, e.position) end as remaining
       from entries e join sub_accounts s on s.book_id = e.book_id and s.ordinal = e.sub_account
       where e.book_id = $1
     ) x where e.book_id = $1 and (e.version, e.position) = (x.version, x.position)`,
    [id],
  );
}

/** What transactions say of where their entries lie, as the entries that there are lie. */
export async function relay(sql: Sql, { id }: Book): Promise<void> {
  await sql.rows(
    `update transactions t set first_position = own.first_position, sub_accounts = own.sub_accounts
     from (
       select e.version, e.transaction, min(e.position) as first_position,
              array_agg(e.sub_account order by e.position) as sub_accounts
       from entries e where e.book_id = $1 group by e.version, e.transaction
     ) own where t.book_id = $1 and (t.version, t.ordinal) = (own.version, own.transaction)`,
    [id],
  );
}

/** The hash chain over what is there now, and the book ending on it. */
export async function rehash(sql: Sql, { shard, id }: Book): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  // One after the other: a client of a test's own does not queue statements.
  const run = ({ text }: { text: string }, params: readonly unknown[] = []) => {
    const rows = last.then(() => sql.rows(text, params));
    last = rows;
    return rows;
  };
  const connection = { run } as Connection;
  const book = (await readBook(connection, { shard, id }))!;
  const accounts = await accountsOf(connection, book);
  let head = GENESIS;
  // What is read is read with cursors.
  await sql.rows('begin');
  for await (const versions of sealedVersions(connection, book)) {
    for (const { version, sealed } of versions) {
      const { transactions, entries, write } = version;
      for (const transaction of transactions) {
        const own = entries.filter((entry) => entry.transaction === transaction.ordinal);
        head = hashAfter(head, { transaction, entries: own, accounts, write }) ?? transaction.hash;
        await run(
          { text: 'update transactions set hash = $1 where book_id = $2 and version = $3 and ordinal = $4' },
          [head, id, transaction.version, transaction.ordinal],
        );
      }
      if (sealed === null) continue;
      head = sealed.linkAfter(head);
      const params = [head, id, version.version];
      await run({ text: 'update writes set hash = $1 where book_id = $2 and version = $3' }, params);
    }
  }
  await sql.rows('update books set head_hash = $1 where id = $2', [head, id]);
  await sql.rows('commit');
}
