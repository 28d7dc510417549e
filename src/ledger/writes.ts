import type { Actor } from '../actor.ts';
import { codec, ifAny, type Row, type Shape } from '../db/codec.ts';
import { bigint, bytea, inKey, optional, smallint, text, timestamptz, uuid } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook, Placed } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import { KNOWN_BOOK } from './as-of.ts';
import { FORMAT, type Salt } from './hash.ts';

/**
 * The only writer of `writes`: what took a version of a book, when and by whom, and what it was answered under its key. Which
 * version that is at an instant: as-of.ts. Who repeats its key: tables/remembered.ts.
 */

/** What was asked under a key and answered first, as the wire encoded them. */
export type Answered = { readonly request: Uint8Array; readonly answer: Uint8Array };

/** As it is stored. Without its request it is forgotten, and the digest of both stands in the place of the answer. */
export type StoredAnswer = Omit<Answered, 'request'> & { readonly request: Uint8Array | null };

/** Who made a version, in the columns of its write. */
export const ACTOR: Shape<Actor> = {
  caller: text,
  actor: optional(text),
  requestUuid: optional(uuid),
  requestText: optional(text),
};

/** The same as a read finds it beside something else: null of versions of before it was kept. */
export type Told = { readonly actor: Actor | null };
const TOLD = codec<Told>({ actor: ifAny(ACTOR) });
export type ToldRow = Row<Told>;
export const actorIn = (row: ToldRow): Actor | null => TOLD.read(row).actor;
/** Of a row of `writes`. */
export const actorColumns = (alias: string): string => TOLD.select(alias);

/** Whether the caller of a row of `writes`, or whom it named, is the actor in a parameter. */
export const isBy = (alias: string, actor: string): string =>
  `(${alias}.caller = ${actor} or ${alias}.actor = ${actor})`;

type OfVersion = Readonly<Record<'shard' | 'bookId' | 'version', string>>;

const writeOf = ({ shard, bookId, version }: OfVersion, what: string, condition = 'true'): string =>
  `select ${what} from writes w
   where w.shard = ${shard} and w.book_id = ${bookId} and w.version = ${version} and ${condition}`;

/** The write `w` of a version, looked up row by row ("offset 0" keeps it so); where it is missing, the rest still shows. */
export const withWriteOf = (of: OfVersion, condition?: string): string =>
  `left join lateral (${writeOf(of, '*', condition)} offset 0) w on true`;

/** Rows that a page looks at, at most, where it has to be looked up who made each. */
export const LOOKED_UP = 4_000;

/** Whether a version is by the actor in a parameter; of one row at a time: as "exists" Postgres may read all there are. */
export const isVersionBy = (of: OfVersion, actor: string): string => `(${writeOf(of, isBy('w', actor))})`;

export type Write = {
  readonly version: number;
  readonly recordedAt: Instant;
  /** The RPC's name. */
  readonly method: string;
  readonly idempotencyKey: string | null;
  /** Null: nothing was to be remembered. */
  readonly answered: Answered | null;
  /** Null: made before writes told it. */
  readonly actor: Actor | null;
  readonly salt: Salt;
  /** Its link of the hash chain. */
  readonly hash: Buffer;
};

/** The writes of a batch to a book, at least one, in order. */
export type WritesOf = Placed & { readonly feedPosition: number; readonly writes: readonly Write[] };

/** As it is stored: what was written in the first format (hash.ts) has neither salt nor hash. */
export type StoredWrite = Omit<Write, 'salt' | 'hash' | 'answered'> & {
  readonly answered: StoredAnswer | null;
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
  answered: ifAny({ answer: bytea, request: optional(bytea) }),
  actor: ifAny(ACTOR),
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

const named = parameters({ shard: 'smallint', bookId: 'bigint', versions: 'bigint[]' });

const ACTORS = statement<ToldRow & { version: number }>(
  'actors_of_versions',
  `select named.version, ${actorColumns('w')} from unnest(${named.versions}) named (version)
   ${withWriteOf({ ...named, version: 'named.version' })}`,
);

/** Who made some versions of a book. */
export async function actorsOf(
  connection: Connection,
  book: Placed,
  versions: Iterable<number>,
): Promise<ReadonlyMap<number, Actor | null>> {
  const asked = [...new Set(versions)];
  if (asked.length === 0) return new Map();
  const rows = await connection.run(ACTORS, bind(named, book, { versions: asked }));
  return new Map(rows.map((row) => [row.version, actorIn(row)]));
}
