import { nextDue } from '../credit/advance-to.ts';
import type { BookState } from '../credit/book-state.ts';
import { bulkInsert, bulkUpdate, namesOf } from '../db/bulk.ts';
import { codec, type Row, type Shape } from '../db/codec.ts';
import {
  bigint,
  bytea,
  digits,
  jsonb,
  inKey,
  smallint,
  text,
  timestamptz,
  columnSet,
} from '../db/columns.ts';
import { awaitAll, statement, type Connection, type Database } from '../db/database.ts';
import { limitLockWait } from '../db/lock-wait.ts';
import type { Once } from '../db/once.ts';
import { inShard, type Placed } from '../db/placement.ts';
import { timestamp } from '../db/types.ts';
import type { UuidMaker } from '../id.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import { GENESIS } from '../ledger/hash.ts';
import { bookIdOf, bookKeyText, namedBy, shardOf, type BookKey } from './book-key.ts';
import { IN_RECOVERY } from './writers.ts';

/** The only reader and writer of `books`, the one row a write locks, and of `book_register`. */

export type BookRow = {
  readonly shard: number;
  readonly id: number;
  /** What the book is called outside of the database: in its hash chain, and in cursors of before it had a number. */
  readonly uuid: string;
  readonly key: BookKey;
  readonly version: number;
  readonly clock: Instant;
  readonly headHash: Buffer;
  /** Each currency of the book with the version that brought it. */
  readonly currencies: Readonly<Record<string, number>>;
  /** Of a locked book: where in the feed the writes of this transaction stand. Else that of its last write. */
  readonly feedPosition: number;
};

/** `nextEventAt`: when something falls due in it; NEVER if nothing will. */
export type WholeBookRow = BookRow & { readonly nextEventAt: Instant };

/** What a write changes. */
const changed = columnSet();

const KEY: Shape<BookKey> = { namespace: text, customerId: text };

export const BOOK: Shape<WholeBookRow> = {
  shard: inKey(smallint),
  id: inKey(bigint),
  uuid: digits,
  key: KEY,
  version: changed(bigint),
  clock: changed(timestamptz),
  headHash: changed(bytea),
  currencies: changed(jsonb),
  feedPosition: changed(bigint),
  nextEventAt: changed(timestamptz),
};
const { nextEventAt: _, ...PLACED } = BOOK;
const { feedPosition: __, ...UNPLACED } = PLACED;

const PLACED_BOOK = codec<BookRow>(PLACED);
const BOOK_KEY = codec(KEY);
export const BOOKS = codec(BOOK);

/** For whom each book was made: never changed, and read by verification alone. */
export const BOOK_REGISTER = codec<Placed & { readonly key: BookKey }>({
  shard: inKey(smallint),
  bookId: inKey(bigint),
  key: KEY,
});

const NAMED = `from unnest($1::smallint[], $2::text[], $3::text[]) named (shard, namespace, customer_id)
   join books b on b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
     and ${inShard('b', '$4')}`;

const FIND = statement<Row<BookRow>>('find_books', `select ${PLACED_BOOK.select('b')} ${NAMED}`);
// In order of id, so that two batches that share books and wait for each other never deadlock.
// A transaction has its id before it comes to the last of its books, and another that has a later id may have come and gone
// there meanwhile: ids alone may go down within a book, the greater of the two does not
// (docs/decisions/0013-feed-positions.md).
const LOCK = `select ${codec<Omit<BookRow, 'feedPosition'>>(UNPLACED).select('b')},
          greatest(b.feed_position, pg_current_xact_id()::text::bigint) as feed_position
   ${NAMED} order by b.id for update of b`;
const LOCK_FREE = statement<Row<BookRow>>('lock_books', `${LOCK} skip locked`);
const LOCK_ALL = statement<Row<BookRow>>('await_books', LOCK);

/** The books among the keys that exist, unlocked: for questions, and previews of writes. */
export const findBooks = async (connection: Connection, keys: Once<BookKey>): Promise<readonly BookRow[]> =>
  (await connection.run(FIND, namedBy(keys))).map(PLACED_BOOK.read);

/**
 * Locks those of the books that exist until the transaction ends. One that somebody else has locked is left out, or, if it
 * `waits`, waited for as long as the connection waits for locks.
 */
export const lockBooks = async (
  connection: Connection,
  keys: Once<BookKey>,
  waits: boolean,
): Promise<readonly BookRow[]> =>
  (await connection.run(waits ? LOCK_ALL : LOCK_FREE, namedBy(keys))).map(PLACED_BOOK.read);

/** A book nobody has written yet, as it will be made. */
export const newBook = (bookKey: BookKey, uuid: string): WholeBookRow => ({
  shard: shardOf(bookKey),
  id: bookIdOf(shardOf(bookKey), uuid),
  uuid,
  key: bookKey,
  version: 0,
  clock: ALWAYS,
  headHash: GENESIS,
  currencies: {},
  feedPosition: 0,
  nextEventAt: NEVER,
});

// Of another that is made, or by a number that another has.
const insertBooks = bulkInsert('books', BOOKS.columns, 'leaves');
const updateBooks = bulkUpdate('update_books', 'books', BOOKS.columns, [changed]);

const AWAIT_WRITER = statement<never>(
  'await_writer',
  'select from books b where b.shard = $1 and b.namespace = $2 and b.customer_id = $3 for share',
);

/** Resolves when a write of this book that is under way has ended; a replica does not know of any. */
export async function awaitWriter(connection: Connection, key: BookKey): Promise<void> {
  try {
    await connection.run(AWAIT_WRITER, [shardOf(key), key.namespace, key.customerId]);
  } catch (error) {
    if ((error as { code?: string }).code !== IN_RECOVERY) throw error;
  }
}

const REGISTER = statement<never>(
  'register_books',
  `insert into book_register (${namesOf(BOOK_REGISTER.columns)})
   select coalesce($4::smallint, b.shard), b.id, b.namespace, b.customer_id ${NAMED}
   on conflict do nothing`,
);

/**
 * How long the making of books waits for somebody who is making one of them: longer than that takes. Whoever is stopped in
 * the middle of it is not waited for.
 */
const MAKING_MS = 50;

/**
 * Makes and registers the books among the keys that do not exist, but one whose number another has; fails as a lock that is taken where somebody else is
 * making one and does not come to an end. In a transaction of its own, that holds nothing else: whoever waits here for
 * another instance making the same books must not be waited for.
 */
export const makeBooks = (
  database: Pick<Database, 'transaction'>,
  keys: readonly BookKey[],
  newUuid: UuidMaker,
): Promise<void> =>
  database.transaction(async (connection) => {
    // One order for all, so that two instances making the same books wait in the same order.
    const made = keys
      .toSorted((a, b) => (bookKeyText(a) < bookKeyText(b) ? -1 : 1))
      .map((key) => newBook(key, newUuid()));
    connection.beforeCommit([
      limitLockWait(connection, MAKING_MS),
      insertBooks(connection, made),
      connection.run(REGISTER, namedBy(keys)),
    ]);
  });

/** What a batch has made of a book. */
type ChangedBook = Placed &
  Pick<BookRow, 'uuid' | 'key' | 'currencies' | 'feedPosition'> & {
    readonly state: BookState;
    readonly head: { readonly hash: Buffer };
  };

export const storeBooks = (connection: Connection, books: readonly ChangedBook[]): Promise<void> =>
  updateBooks(
    connection,
    books.map(({ shard, bookId: id, uuid, key: bookKey, state, head, currencies, feedPosition }) => ({
      shard,
      id,
      uuid,
      key: bookKey,
      version: state.version,
      clock: state.clock,
      headHash: head.hash,
      currencies,
      feedPosition,
      nextEventAt: nextDue(state),
    })),
  );

const DUE = statement<Row<BookKey> & { readonly shard: number; readonly due: Instant }>(
  'books_due',
  `select b.shard, b.next_event_at as due, ${BOOK_KEY.select('b')} from books b
   where b.next_event_at <= $1
   order by b.next_event_at
   limit $2`,
);

/** `due`: since when something is. */
export type DueBook = { readonly shard: number; readonly key: BookKey; readonly due: Instant };

/** Books in which something has fallen due that no write has booked, those that have waited longest first. */
export const booksDue = async (
  connection: Connection,
  now: Instant,
  limit: number,
): Promise<readonly DueBook[]> =>
  (await connection.run(DUE, [timestamp(now), limit])).map((row) => ({
    shard: row.shard,
    due: row.due,
    key: BOOK_KEY.read(row),
  }));

const NEWER = statement<Row<BookKey>>(
  'books_newer_than',
  `select ${BOOK_KEY.select('b')}
   from unnest($1::smallint[], $2::bigint[], $3::bigint[]) seen (shard, id, version)
   join books b on b.shard = seen.shard and b.id = seen.id
   where b.version > seen.version`,
);

const APPEARED = statement<Row<BookKey>>(
  'books_appeared',
  `select ${BOOK_KEY.select('b')}
   from unnest($1::smallint[], $2::text[], $3::text[]) absent (shard, namespace, customer_id)
   join books b on b.shard = absent.shard and b.namespace = absent.namespace and b.customer_id = absent.customer_id
   where b.version > 0`,
);

/** What somebody has seen of a book; no id and version 0 while nobody has written about the customer. */
export type Seen = {
  readonly key: BookKey;
  readonly shard: number;
  readonly id: number | null;
  readonly version: number;
};

/** Which of some books are ahead of what was seen of them: one statement for all, and one for those there are not. */
export async function newerThan(connection: Connection, seen: readonly Seen[]): Promise<readonly BookKey[]> {
  const [absent, known] = [seen.filter(({ id }) => id === null), seen.filter(({ id }) => id !== null)];
  const found = await awaitAll(
    [
      known.length === 0
        ? []
        : connection.run(NEWER, [
            known.map(({ shard }) => shard),
            known.map(({ id }) => id),
            known.map(({ version }) => version),
          ]),
      absent.length === 0
        ? []
        : connection.run(APPEARED, [
            absent.map(({ shard }) => shard),
            absent.map(({ key }) => key.namespace),
            absent.map(({ key }) => key.customerId),
          ]),
    ].map((rows) => Promise.resolve<Row<BookKey>[]>(rows)),
  );
  return found.flat().map(BOOK_KEY.read);
}
