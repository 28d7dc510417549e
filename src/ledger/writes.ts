import { bulkInsert } from '../db/bulk.ts';
import { bigint, bytea, smallint, text, timestamptz, uuid } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { parameters, valuesOf } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import { KNOWN_BOOK, type KnownBook } from './as-of.ts';
import { FORMAT, type Salt } from './hash.ts';

/** The only writer of `writes`: what took a version of a book, and when. Which version that is at an instant: as-of.ts. */
export type Write = {
  readonly version: number;
  readonly recordedAt: Instant;
  /** The RPC's name. */
  readonly method: string;
  readonly idempotencyKey: string | null;
  readonly salt: Salt;
  /** Its link of the hash chain. */
  readonly hash: Buffer;
};

/** The writes of a batch to a book, at least one, in order. */
export type WritesOf = Placed & { readonly feedPosition: number; readonly writes: readonly Write[] };

const insertWrites = bulkInsert<{ readonly book: WritesOf; readonly write: Write }>('writes', {
  shard: smallint(({ book }) => book.shard),
  book_id: uuid(({ book }) => book.bookId),
  version: bigint(({ write }) => write.version),
  recorded_at: timestamptz(({ write }) => write.recordedAt),
  method: text(({ write }) => write.method),
  idempotency_key: text(({ write }) => write.idempotencyKey),
  feed_position: bigint(({ book }) => book.feedPosition),
  format: smallint(() => FORMAT),
  salt: bytea(({ write }) => write.salt),
  hash: bytea(({ write }) => write.hash),
});

export const storeWrites = (connection: Connection, books: readonly WritesOf[]): Promise<void> =>
  insertWrites(
    connection,
    books.flatMap((book) => book.writes.map((write) => ({ book, write }))),
  );

const p = parameters({ ...KNOWN_BOOK, since: 'bigint' });

const WRITES_SINCE = statement<{ version: number; method: string }>(
  'writes_since',
  `select w.version, w.method from writes w
   where w.shard = ${p.shard} and w.book_id = ${p.bookId} and w.version > ${p.since} and w.version <= ${p.version}
   order by w.version`,
);

/** The writes of a book after the version `since`, up to another, in order. */
export const writesSince = (
  connection: Connection,
  range: KnownBook & { readonly since: number },
): Promise<{ version: number; method: string }[]> => connection.run(WRITES_SINCE, valuesOf(p, range));
