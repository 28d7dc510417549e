import { statement, type Connection } from '../../db/database.ts';
import type { Instant } from '../../instant.ts';
import { shardOf, SHARDS, type BookKey } from '../book-key.ts';

/** Which books there are to verify, and what the row of one says. */

/** Whose books: a customer's, or with null all of a namespace. */
export type Owner = { readonly namespace: string; readonly customerId: string | null };

/** A row of `books`. */
export type WrittenBook = {
  readonly key: BookKey;
  readonly shard: number;
  readonly id: string;
  readonly version: number;
  readonly clock: Instant;
  readonly headHash: Buffer;
  readonly nextEventAt: Instant;
  readonly feedPosition: number;
  readonly currencies: Readonly<Record<string, number>>;
};

const COUNT = statement<{ count: number }>(
  'count_books',
  `select count(*) as count from books
   where shard = any($1::smallint[]) and namespace = $2 and ($3::text is null or customer_id = $3)`,
);

const shardsOf = ({ namespace, customerId }: Owner): readonly number[] =>
  customerId === null
    ? Array.from({ length: SHARDS }, (_, shard) => shard)
    : [shardOf({ namespace, customerId })];

export async function countBooks(connection: Connection, owner: Owner): Promise<number> {
  const [row] = await connection.run(COUNT, [shardsOf(owner), owner.namespace, owner.customerId]);
  return row!.count;
}

const PAGE = 1_000;
const CUSTOMERS = statement<{ customer_id: string }>(
  'customers_of_namespace',
  `select customer_id from books where shard = $1 and namespace = $2 and customer_id > $3 order by customer_id limit $4`,
);

/** Who has a book, shard by shard; one made meanwhile may be among them or not. */
export async function* customersOf(
  connection: Connection,
  { namespace, customerId }: Owner,
): AsyncGenerator<string, void, undefined> {
  if (customerId !== null) return yield customerId;
  for (const shard of shardsOf({ namespace, customerId })) {
    for (let after = ''; ;) {
      const page = await connection.run(CUSTOMERS, [shard, namespace, after, PAGE]);
      yield* page.map((row) => row.customer_id);
      if (page.length < PAGE) break;
      after = page.at(-1)!.customer_id;
    }
  }
}

type Row = {
  id: string;
  version: number;
  clock: Instant;
  head_hash: Buffer;
  next_event_at: Instant;
  feed_position: number;
  currencies: Record<string, number>;
};

const BOOK = statement<Row>(
  'book_to_verify',
  `select id, version, clock, head_hash, next_event_at, feed_position, currencies from books
   where shard = $1 and namespace = $2 and customer_id = $3`,
);

/** Null: nobody has written about this customer. */
export async function writtenBook(connection: Connection, key: BookKey): Promise<WrittenBook | null> {
  const shard = shardOf(key);
  const [row] = await connection.run(BOOK, [shard, key.namespace, key.customerId]);
  if (row === undefined) return null;
  const {
    id,
    version,
    clock,
    head_hash: headHash,
    next_event_at: nextEventAt,
    feed_position: feedPosition,
    currencies,
  } = row;
  return { key, shard, id, version, clock, headHash, nextEventAt, feedPosition, currencies };
}
