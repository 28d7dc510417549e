import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { nextEvent } from '../credit/advance-to.ts';
import { ALWAYS, type Instant } from '../instant.ts';
import { GENESIS } from '../ledger/journal.ts';
import { bookKeyText, type BookKey } from './book-key.ts';
import type { Session } from './session.ts';

/** The only reader and writer of `books`, the one row a write locks, and of `writes`. */

export type BookRow = {
  id: string;
  namespace: string;
  customer_id: string;
  version: number;
  clock: Instant;
  head_hash: Buffer;
  currencies: Record<string, number>;
  /** Of a locked book: where in the feed the writes of this transaction stand. Else that of its last write. */
  feed_position: number;
};

export const keyOfRow = (row: BookRow): BookKey => ({
  namespace: row.namespace,
  customerId: row.customer_id,
});

const BOOK_COLUMNS = `b.id, b.namespace, b.customer_id, b.version, b.clock, b.head_hash, b.currencies`;

const NAMED = `from books b
   where b.shard = $1 and (b.namespace, b.customer_id) in (select * from unnest($2::text[], $3::text[]))`;

const FIND = statement<BookRow>('find_books', `select ${BOOK_COLUMNS}, b.feed_position ${NAMED}`);
// In order of id, so that two batches that share books wait for each other and never deadlock.
// A transaction has its id before it waits here, so ids alone may go down within a book; the greater of the two does not
// (docs/decisions/0013-feed-positions.md).
const LOCK = statement<BookRow>(
  'lock_books',
  `select ${BOOK_COLUMNS}, greatest(b.feed_position, pg_current_xact_id()::text::bigint) as feed_position
   ${NAMED} order by b.id for update`,
);

/** The books among the keys that exist, unlocked: for questions, and previews of writes. */
export const findBooks = (
  connection: Connection,
  shard: number,
  keys: readonly BookKey[],
): Promise<BookRow[]> =>
  connection.run(FIND, [shard, keys.map((key) => key.namespace), keys.map((key) => key.customerId)]);

/** A book nobody has written yet, as it will be made. */
export const newBook = ({ namespace, customerId }: BookKey, id: string): BookRow => ({
  ...{
    id,
    namespace,
    customer_id: customerId,
    version: 0,
    clock: ALWAYS,
    head_hash: GENESIS,
    currencies: {},
    feed_position: 0,
  },
});

const insertBooks = bulkInsert(
  'books',
  {
    shard: 'smallint',
    id: 'uuid',
    namespace: 'text',
    customer_id: 'text',
    version: 'bigint',
    clock: 'timestamptz',
    head_hash: 'bytea',
    next_event_at: 'timestamptz',
    currencies: 'jsonb',
    feed_position: 'bigint',
  },
  'on conflict (shard, namespace, customer_id) do nothing',
);

/** Locks those of the books that exist until the transaction ends. */
export const lockBooks = (
  connection: Connection,
  shard: number,
  keys: readonly BookKey[],
): Promise<BookRow[]> =>
  connection.run(LOCK, [shard, keys.map((key) => key.namespace), keys.map((key) => key.customerId)]);

/**
 * Makes the books among the keys that do not exist. In a transaction of its own, that holds nothing else: whoever waits
 * here for another instance making the same books must not be waited for.
 */
export const makeBooks = (
  connection: Connection,
  shard: number,
  keys: readonly BookKey[],
  newBookId: () => string,
): Promise<void> =>
  insertBooks(
    connection,
    // One order for all, so that two instances making the same books wait in the same order.
    keys
      .toSorted((a, b) => (bookKeyText(a) < bookKeyText(b) ? -1 : 1))
      .map((key) => ({
        ...newBook(key, newBookId()),
        ...{ shard, clock: timestamp(ALWAYS), next_event_at: 'infinity', currencies: '{}' },
      })),
  );

const updateBooks = bulkUpdate('update_books', 'books', ['shard', 'id'], {
  shard: 'smallint',
  id: 'uuid',
  version: 'bigint',
  clock: 'timestamptz',
  head_hash: 'bytea',
  next_event_at: 'timestamptz',
  currencies: 'jsonb',
  feed_position: 'bigint',
});

const insertWrites = bulkInsert('writes', {
  shard: 'smallint',
  book_id: 'uuid',
  version: 'bigint',
  recorded_at: 'timestamptz',
  method: 'text',
  idempotency_key: 'text',
  feed_position: 'bigint',
});

export const storeBooks = (
  connection: Connection,
  shard: number,
  sessions: readonly Session[],
): readonly Promise<void>[] => [
  updateBooks(
    connection,
    sessions.map(({ id, state, head, currencies, feedPosition }) => ({
      ...{ shard, id, version: state.version, clock: timestamp(state.clock), head_hash: head.hash },
      ...{ next_event_at: timestamp(nextEvent(state)), currencies: JSON.stringify(currencies) },
      feed_position: feedPosition,
    })),
  ),
  insertWrites(
    connection,
    sessions.flatMap(({ id, writes, feedPosition }) =>
      writes.map((write) => ({
        ...{ shard, book_id: id, version: write.version, recorded_at: timestamp(write.recordedAt) },
        ...{ method: write.method, idempotency_key: write.idempotencyKey, feed_position: feedPosition },
      })),
    ),
  ),
];
