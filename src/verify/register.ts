import { settleAll, statement, type Connection } from '../db/database.ts';
import type { BookKey } from '../tables/book-key.ts';
import { shardsOf, type Owner } from './stored-books.ts';

/** The set of books as it was registered, against the books there are and the rows that say they are of one. */

/** A book that was made for somebody and is not there, or is somebody else's. */
export type Missing = {
  readonly bookId: string;
  /** For whom it was made. */
  readonly key: BookKey;
  /** Whose it is; null: there is no such book. */
  readonly now: BookKey | null;
};

type Row = {
  book_id: string;
  namespace: string;
  customer_id: string;
  now_namespace: string | null;
  now_customer_id: string | null;
};

const PAGE = 1_000;
const UNBOOKED = statement<Row>(
  'registered_without_book',
  `select r.book_id, r.namespace, r.customer_id, b.namespace as now_namespace, b.customer_id as now_customer_id
   from book_register r
   left join lateral (
     select * from books b where b.shard = $1 and b.id = r.book_id offset 0
   ) b on true
   where r.shard = $1 and r.namespace = $2 and ($3::text is null or r.customer_id = $3) and r.customer_id > $4
     and (b.namespace, b.customer_id) is distinct from (r.namespace, r.customer_id)
   order by r.customer_id limit ${PAGE}`,
);

/** The books of an owner that are not there any more, or are another's. */
export async function* missingBooks(
  connection: Connection,
  owner: Owner,
): AsyncGenerator<Missing, void, undefined> {
  for (const shard of shardsOf(owner)) {
    for (let after = ''; ;) {
      const page = await connection.run(UNBOOKED, [shard, owner.namespace, owner.customerId, after]);
      for (const { book_id: bookId, namespace, customer_id: customerId, ...row } of page) {
        const [nowNamespace, nowCustomerId] = [row.now_namespace, row.now_customer_id];
        const now =
          nowNamespace === null || nowCustomerId === null
            ? null
            : { namespace: nowNamespace, customerId: nowCustomerId };
        yield { bookId, key: { namespace, customerId }, now };
      }
      if (page.length < PAGE) break;
      after = page.at(-1)!.customer_id;
    }
  }
}

const TABLES = [
  ...['writes', 'idempotency', 'grants', 'former_terms', 'charges', 'charge_events', 'advances'],
  ...['allocations', 'reductions', 'scheduled_grants', 'sub_accounts', 'transactions', 'entries'],
  ...['late_sums', 'late_summed'],
];

/** From one book to the next by the primary key: as many probes as there are books, however many rows they have. */
const orphans = (table: string): string => `
  with recursive owners (book_id) as (
    (select t.book_id from ${table} t where t.shard = $1 order by t.book_id limit 1)
    union all
    select (
      select t.book_id from ${table} t where t.shard = $1 and t.book_id > o.book_id order by t.book_id limit 1
    ) from owners o where o.book_id is not null
  )
  select o.book_id from owners o
  left join lateral (select true as found from books b where b.shard = $1 and b.id = o.book_id offset 0) b on true
  left join lateral (
    select r.namespace from book_register r where r.shard = $1 and r.book_id = o.book_id offset 0
  ) r on true
  where o.book_id is not null and b.found is null
    -- whose nobody knows are told to everybody
    and coalesce(r.namespace, $2) = $2`;

const ORPHANS = TABLES.map((table) => ({
  table,
  sent: statement<{ book_id: string }>(`orphans_of_${table}`, orphans(table)),
}));

/** Books that are not there, with the tables in which rows say they are of them; of one shard. */
export async function orphansOf(
  connection: Connection,
  shard: number,
  namespace: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await settleAll(
    ORPHANS.map(async ({ table, sent }) =>
      (await connection.run(sent, [shard, namespace])).map((row) => ({ bookId: row.book_id, table })),
    ),
  );
  const tables = new Map<string, string[]>();
  for (const { bookId, table } of found.flat()) tables.set(bookId, [...(tables.get(bookId) ?? []), table]);
  return tables;
}
