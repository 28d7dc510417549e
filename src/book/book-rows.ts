import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { inShard } from '../db/placement.ts';
import { timestamp } from '../db/types.ts';
import { nextEvent } from '../credit/advance-to.ts';
import { ALWAYS, type Instant } from '../instant.ts';
import { GENESIS } from '../ledger/journal.ts';
import { bookKeyText, namedBy, shardOf, type BookKey } from './book-key.ts';
import type { Session } from './session.ts';

/** The only reader and writer of `books`, the one row a write locks, and of `writes`. */

export type BookRow = {
  shard: number;
  id: string;
  namespace: string;
  customer_id: string;
  version: number;
  clock: Instant;
  head_hash: Buffer;
  currencies: Record<string, number>;
};

export const keyOfRow = (row: BookRow): BookKey => ({
  namespace: row.namespace,
  customerId: row.customer_id,
});

const BOOK_COLUMNS = `b.shard, b.id, b.namespace, b.customer_id, b.version, b.clock, b.head_hash, b.currencies`;

const BOOKS = `select ${BOOK_COLUMNS}
   from unnest($1::smallint[], $2::text[], $3::text[]) named (shard, namespace, customer_id)
   join books b on b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
     and ${inShard('b', '$4')}`;

const FIND = statement<BookRow>('find_books', BOOKS);
// In order of id, so that two batches that share books wait for each other and never deadlock.
const LOCK = statement<BookRow>('lock_books', `${BOOKS} order by b.id for update of b`);

/** The books among the keys that exist, unlocked: for questions, and previews of writes. */
export const findBooks = (connection: Connection, keys: readonly BookKey[]): Promise<BookRow[]> =>
  connection.run(FIND, namedBy(keys));

/** A book nobody has written yet, as it will be made. */
export const newBook = (key: BookKey, id: string): BookRow => ({
  shard: shardOf(key),
  id,
  namespace: key.namespace,
  customer_id: key.customerId,
  version: 0,
  clock: ALWAYS,
  head_hash: GENESIS,
  currencies: {},
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
  },
  'on conflict (shard, namespace, customer_id) do nothing',
);

/** Locks those of the books that exist until the transaction ends. */
export const lockBooks = (connection: Connection, keys: readonly BookKey[]): Promise<BookRow[]> =>
  connection.run(LOCK, namedBy(keys));

/**
 * Makes the books among the keys that do not exist. In a transaction of its own, that holds nothing else: whoever waits
 * here for another instance making the same books must not be waited for.
 */
export const makeBooks = (
  connection: Connection,
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
        ...{ clock: timestamp(ALWAYS), next_event_at: 'infinity', currencies: '{}' },
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
});

const insertWrites = bulkInsert('writes', {
  shard: 'smallint',
  book_id: 'uuid',
  version: 'bigint',
  recorded_at: 'timestamptz',
  method: 'text',
  idempotency_key: 'text',
});

export const storeBooks = (
  connection: Connection,
  sessions: readonly Session[],
): readonly Promise<void>[] => [
  updateBooks(
    connection,
    sessions.map(({ shard, bookId: id, state, head, currencies }) => ({
      ...{ shard, id, version: state.version, clock: timestamp(state.clock), head_hash: head.hash },
      ...{ next_event_at: timestamp(nextEvent(state)), currencies: JSON.stringify(currencies) },
    })),
  ),
  insertWrites(
    connection,
    sessions.flatMap(({ shard, bookId, writes }) =>
      writes.map((write) => ({
        ...{ shard, book_id: bookId, version: write.version, recorded_at: timestamp(write.recordedAt) },
        ...{ method: write.method, idempotency_key: write.idempotencyKey },
      })),
    ),
  ),
];
