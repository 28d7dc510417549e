import { ifAny } from '../db/codec.ts';
import { bigint, bytea, inKey, optional, smallint, text, timestamptz } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook, Placed } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import { KNOWN_BOOK } from './as-of.ts';
import { FORMAT, type Salt } from './hash.ts';

/**
 * The only writer of `writes`: what took a version of a book, and when, and what it was answered under its key. Which
 * version that is at an instant: as-of.ts. Who repeats its key: tables/remembered.ts.
 */

/** What was asked under a key and answered first, as the wire encoded them. */
export type Answered = { readonly request: Uint8Array; readonly answer: Uint8Array };

export type Write = {
  readonly version: number;
  readonly recordedAt: Instant;
  /** The RPC's name. */
  readonly method: string;
  readonly idempotencyKey: string | null;
  /** Null: nothing was to be remembered, or is any more. */
  readonly answered: Answered | null;
  readonly salt: Salt;
  /** Its link of the hash chain. */
  readonly hash: Buffer;
};

/** The writes of a batch to a book, at least one, in order. */
export type WritesOf = Placed & { readonly feedPosition: number; readonly writes: readonly Write[] };

/** As it is stored: what was written in the first format (hash.ts) has neither salt nor hash. */
export type StoredWrite = Omit<Write, 'salt' | 'hash'> & {
  readonly feedPosition: number;
  readonly format: number;
  readonly salt: Salt | null;
  readonly hash: Buffer | null;
};

export const WRITES = tableOf<StoredWrite>('writes', {
  version: inKey(bigint),
  recordedAt: timestamptz,
  method: text,
  idempotencyKey: optional(text),
  answered: ifAny({ request: bytea, answer: bytea }),
  feedPosition: bigint,
  format: smallint,
  salt: optional(bytea),
  hash: optional(bytea),
});

export const storeWrites = (connection: Connection, books: readonly WritesOf[]): Promise<void> =>
  WRITES.insert(
    connection,
    books.flatMap(({ shard, bookId, feedPosition, writes }) =>
      writes.map((write) => ({ shard, bookId, fact: { ...write, feedPosition, format: FORMAT } })),
    ),
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
): Promise<{ version: number; method: string }[]> => connection.run(WRITES_SINCE, bind(p, range));
