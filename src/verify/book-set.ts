import { awaitAll, statement, type Connection, type Statement } from '../db/database.ts';
import { shardOf, SHARDS, type BookKey } from '../tables/book-key.ts';
import { finding, type Finding } from './finding.ts';
import { pagesByText } from './pages.ts';

/** Which books there are, held against the register of those that were made, and rows that say they are of a book. */

/** Whose books: a customer's, or with null all of a namespace. */
export type Owner = { readonly namespace: string; readonly customerId: string | null };

/** Where a book lies. */
export type BookPlace = { readonly shard: number; readonly id: number };

/** Where an owner's books may lie. */
const shardsOf = ({ namespace, customerId }: Owner): readonly number[] =>
  customerId === null
    ? Array.from({ length: SHARDS }, (_, shard) => shard)
    : [shardOf({ namespace, customerId })];

const COUNT = statement<{ count: number }>(
  'count_books',
  `select count(*) as count from books
   where shard = any($1::smallint[]) and namespace = $2 and ($3::text is null or customer_id = $3)`,
);

export async function countBooks(connection: Connection, owner: Owner): Promise<number> {
  const [row] = await connection.run(COUNT, [shardsOf(owner), owner.namespace, owner.customerId]);
  return row!.count;
}

const PAGE = 1_000;

/** What is of an owner in a shard, customer by customer. */
const pagesOf = <Row extends { readonly customer_id: string }>(
  connection: Connection,
  page: Statement<Row>,
  shard: number,
  { namespace, customerId }: Owner,
) =>
  pagesByText(
    PAGE,
    (after) => connection.run(page, [shard, namespace, customerId, after]),
    (row) => row.customer_id,
  );

const PLACES = statement<BookPlace & { customer_id: string }>(
  'books_to_verify',
  `select shard, id, customer_id from books
   where shard = $1 and namespace = $2 and ($3::text is null or customer_id = $3) and customer_id > $4
   order by customer_id limit ${PAGE}`,
);

/** The books of an owner and whose each is, shard by shard; one made meanwhile may be among them or not. */
export async function* placesOf(
  connection: Connection,
  owner: Owner,
): AsyncGenerator<BookPlace & { readonly customerId: string }, void, undefined> {
  for (const shard of shardsOf(owner)) {
    for await (const page of pagesOf(connection, PLACES, shard, owner)) {
      yield* page.map(({ id, customer_id: customerId }) => ({ shard, id, customerId }));
    }
  }
}

type Unbooked = {
  book_id: number;
  namespace: string;
  customer_id: string;
  now_namespace: string | null;
  now_customer_id: string | null;
};

const UNBOOKED = statement<Unbooked>(
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

type OfCustomer = { readonly customerId: string; readonly finding: Finding };

/** Books that were made for an owner and are not there; of a namespace also rows of books there are not. */
export async function* checkSet(
  connection: Connection,
  owner: Owner,
): AsyncGenerator<OfCustomer, void, undefined> {
  for (const shard of shardsOf(owner)) {
    for await (const page of pagesOf(connection, UNBOOKED, shard, owner)) {
      for (const row of page) {
        // One that is of another name in the same namespace has been told with it.
        if (row.now_namespace === row.namespace && owner.customerId === null) continue;
        yield { customerId: row.customer_id, finding: missing(row) };
      }
    }
  }
  if (owner.customerId !== null) return;
  for (const shard of shardsOf(owner)) yield* checkOrphans(connection, shard, owner.namespace);
}

/** A book that is not there any more, or is another's. */
function missing({ book_id, namespace, customer_id, now_namespace, now_customer_id }: Unbooked): Finding {
  const owner = nameOf({ namespace, customerId: customer_id });
  const isThere = now_namespace !== null && now_customer_id !== null;
  const now = isThere ? nameOf({ namespace: now_namespace, customerId: now_customer_id }) : 'none';
  const message = `the book ${book_id} was made for ${owner}, and ${isThere ? `is of ${now} now` : 'is not there'}`;
  return finding('BOOK_REGISTER', { version: 0 }, owner, now, message);
}

export const nameOf = ({ namespace, customerId }: BookKey): string =>
  `${customerId} in namespace ${namespace}`;

const TABLES = [
  'writes',
  'idempotency',
  'grants',
  'former_terms',
  'charges',
  'charge_events',
  'advances',
  'allocations',
  'splits_kept',
  'reductions',
  'scheduled_grants',
  'sub_accounts',
  'transactions',
  'entries',
  'late_sums',
  'late_summed',
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
  sent: statement<{ book_id: number }>(`orphans_of_${table}`, orphans(table)),
}));

/** Books that are not there, with the tables in which rows say they are of them; of one shard. */
async function* checkOrphans(
  connection: Connection,
  shard: number,
  namespace: string,
): AsyncGenerator<OfCustomer, void, undefined> {
  const found = await awaitAll(
    ORPHANS.map(async ({ table, sent }) =>
      (await connection.run(sent, [shard, namespace])).map((row) => ({ bookId: row.book_id, table })),
    ),
  );
  for (const [bookId, rows] of Map.groupBy(found.flat(), (row) => row.bookId)) {
    const tables = rows.map(({ table }) => table).join(', ');
    const message = `rows in ${tables} of shard ${shard} are of a book ${bookId}, which is not there`;
    yield {
      customerId: '',
      finding: finding('DANGLING_ROW', { version: 0 }, `book ${bookId}`, 'none', message),
    };
  }
}
