import { statement, type Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { shardOf, SHARDS, type BookKey } from '../tables/book-key.ts';

/** Which books there are to verify, and what the row of one says. */

/** Whose books: a customer's, or with null all of a namespace. */
export type Owner = { readonly namespace: string; readonly customerId: string | null };

/** A row of `books`. */
export type WrittenBook = {
  readonly key: BookKey;
  /** For whom it was made; null: it was not registered. */
  readonly registered: BookKey | null;
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

/** Where an owner's books may lie. */
export const shardsOf = ({ namespace, customerId }: Owner): readonly number[] =>
  customerId === null
    ? Array.from({ length: SHARDS }, (_, shard) => shard)
    : [shardOf({ namespace, customerId })];

export async function countBooks(connection: Connection, owner: Owner): Promise<number> {
  const [row] = await connection.run(COUNT, [shardsOf(owner), owner.namespace, owner.customerId]);
  return row!.count;
}

const PAGE = 1_000;
type PlaceRow = { shard: number; id: string; customer_id: string };
const PLACES = statement<PlaceRow>(
  'books_to_verify',
  `select shard, id, customer_id from books
   where shard = $1 and namespace = $2 and ($3::text is null or customer_id = $3) and customer_id > $4
   order by customer_id limit ${PAGE}`,
);

/** Where a book lies, and whose it is now. */
export type BookPlace = { readonly shard: number; readonly id: string; readonly customerId: string };

/** The books of an owner, shard by shard; one made meanwhile may be among them or not. */
export async function* placesOf(
  connection: Connection,
  owner: Owner,
): AsyncGenerator<BookPlace, void, undefined> {
  for (const shard of shardsOf(owner)) {
    for (let after = ''; ;) {
      const page = await connection.run(PLACES, [shard, owner.namespace, owner.customerId, after]);
      yield* page.map(({ customer_id: customerId, ...place }) => ({ ...place, customerId }));
      if (page.length < PAGE) break;
      after = page.at(-1)!.customer_id;
    }
  }
}

type Row = {
  id: string;
  namespace: string;
  customer_id: string;
  version: number;
  clock: Instant;
  head_hash: Buffer;
  next_event_at: Instant;
  feed_position: number;
  currencies: Record<string, number>;
  registered_namespace: string | null;
  registered_customer_id: string | null;
};

const BOOK = statement<Row>(
  'book_to_verify',
  `select b.id, b.namespace, b.customer_id, b.version, b.clock, b.head_hash, b.next_event_at, b.feed_position,
          b.currencies, r.namespace as registered_namespace, r.customer_id as registered_customer_id
   from books b
   left join book_register r on r.shard = b.shard and r.book_id = b.id
   where b.shard = $1 and b.id = $2`,
);

/** Null: it cannot be read, or is gone. */
export async function writtenBook(
  connection: Connection,
  { shard, id }: Pick<BookPlace, 'shard' | 'id'>,
): Promise<WrittenBook | null> {
  const [row] = await connection.run(BOOK, [shard, id]);
  if (row === undefined) return null;
  const { version, clock, head_hash: headHash, next_event_at: nextEventAt, currencies } = row;
  const [namespace, customerId] = [row.registered_namespace, row.registered_customer_id];
  return {
    key: { namespace: row.namespace, customerId: row.customer_id },
    registered: namespace === null || customerId === null ? null : { namespace, customerId },
    ...{ shard, id, version, clock, headHash, nextEventAt, feedPosition: row.feed_position, currencies },
  };
}
