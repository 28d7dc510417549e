import { awaitAll, statement, type Connection } from '../db/database.ts';
import { transactionsOfWrites, type ReadTransaction } from '../ledger/read-journal.ts';
import { LAST_ORDINAL, type FeedPlace, type Inside, type InsideByUuid } from './feed-cursor.ts';

/** What feeds ask of the database. Each statement names one shard, and is answered by the node that holds it. */

/**
 * A shard as one look found it. Whatever is written under a position below `horizon` has been committed or given up by
 * then, so it can be read, and nothing joins it later. `last` is the highest position there is to see, −1 for none.
 */
export type ShardTail = { readonly horizon: number; readonly last: number };

/**
 * Where a shard can be read up to, and no place in it stands beyond: the horizon, but no further than behind what is there
 * to see. After a crash Postgres gives ids anew that no commit had brought to disk, and the horizon may have passed them;
 * what can be seen is on disk, and new ids are higher.
 */
export const endOf = ({ horizon, last }: ShardTail): number => Math.min(horizon, last + 1);

// Transaction ids are 64 bits wide here: they never wrap.
const TAIL = statement<{ horizon: number; ahead: number; last: number | null }>(
  'feed_tail',
  `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon,
          pg_snapshot_xmax(pg_current_snapshot())::text::bigint as ahead, max(w.feed_position) as last
   from writes w where w.shard = $1`,
);

/** Looks at the ends of some shards, in one round trip. */
export async function readTails(
  connection: Connection,
  shards: readonly number[],
): Promise<readonly ShardTail[]> {
  const rows = await awaitAll(shards.map((shard) => connection.run(TAIL, [shard])));
  return rows.map(([row]) => {
    const { horizon, ahead, last } = row!;
    if (last !== null && last >= ahead) {
      throw new Error(
        `invariant: a write stands at ${last}, and the database's transaction ids have only come to ${ahead}: were ` +
          'the tables copied into another cluster? src/feed/README.md says what to do',
      );
    }
    return { horizon, last: last ?? -1 };
  });
}

export type FeedItem = {
  readonly customerId: string;
  readonly transaction: ReadTransaction;
  /** Where to read on after it. */
  readonly next: FeedPlace;
};

export type FeedPage = { readonly items: readonly FeedItem[]; readonly next: FeedPlace };

type WriteRow = {
  feed_position: number;
  book_id: number;
  /** The 32 hex digits; of a position that is read in their order. */
  uuid?: string;
  version: number;
  namespace: string;
  customer_id: string;
};

const WRITE = 'w.feed_position, w.book_id, w.version, b.namespace, b.customer_id';

// Writes of other namespaces are read and passed over: the limit bounds what is looked at, not what is found.
const WRITES = statement<WriteRow>(
  'feed_writes',
  `select ${WRITE}
   from (
     select w.feed_position, w.book_id, w.version from writes w
     where w.shard = $1 and (w.feed_position, w.book_id, w.version) >= ($2::bigint, $3::bigint, $4::bigint)
       and w.feed_position < $5::bigint
     order by w.feed_position, w.book_id, w.version limit $6
   ) w
   join books b on b.shard = $1 and b.id = w.book_id
   order by w.feed_position, w.book_id, w.version`,
);

// What is left of a position that a cursor was in before books had numbers.
const WRITES_BY_UUID = statement<WriteRow>(
  'feed_writes_by_uuid',
  `select ${WRITE}, replace(b.uuid::text, '-', '') as uuid
   from writes w
   join books b on b.shard = $1 and b.id = w.book_id
   where w.shard = $1 and w.feed_position = $2 and (b.uuid, w.version) >= ($3::uuid, $4::bigint)
   order by b.uuid, w.version limit $5`,
);

const FIRST: Inside = { bookId: 0, version: 0, ordinal: 0 };

/**
 * The next transactions of a namespace in one shard, from a place on and below an end: three statements. Looks at
 * `limit` writes at most, and answers with at most twice as many transactions.
 */
export async function readFeedPage(
  connection: Connection,
  { shard, namespace, from, end, limit }: FeedRange,
): Promise<FeedPage> {
  const { position } = from;
  const inside = from.inside ?? FIRST;
  const { version, ordinal } = inside;
  // One more than the write that a page ended in, which is read again: a page of one would never get behind it.
  const lookAt = from.inside === null ? limit : limit + 1;
  const byUuid = 'uuid' in inside;
  const found = byUuid
    ? await connection.run(WRITES_BY_UUID, [shard, position, inside.uuid, version, lookAt])
    : await connection.run(WRITES, [shard, position, inside.bookId, version, end, lookAt]);
  const isFull = found.length === lookAt;
  const writes = isFull ? wholePositions(found) : found;
  const ours = writes.filter((write) => write.namespace === namespace);
  const told = (write: WriteRow) => from.inside !== null && isInside(write, position, from.inside);
  const asked = ours.map((write) => ({
    bookId: write.book_id,
    version: write.version,
    after: told(write) ? ordinal : 0,
  }));
  const most = 2 * limit;
  const transactions = await transactionsOfWrites(connection, shard, asked, most);
  const items = transactions.map(({ write, transaction }) => ({
    customerId: ours[write]!.customer_id,
    transaction,
    next: placeAfter(ours[write]!, transaction.ordinal),
  }));
  if (items.length === most) return { items, next: items.at(-1)!.next };
  if (!isFull) return { items, next: { position: byUuid ? position + 1 : end, inside: null } };
  const cutOff = found[writes.length];
  const next = cutOff === undefined ? placeAfter(found.at(-1)!, LAST_ORDINAL) : placeBefore(cutOff);
  return { items, next };
}

/** Without the position a page ends in, unless it is the only one: a cursor between positions is short. */
function wholePositions(writes: readonly WriteRow[]): readonly WriteRow[] {
  const last = writes.at(-1)!.feed_position;
  const whole = writes.filter((write) => write.feed_position < last);
  return whole.length > 0 ? whole : writes;
}

type FeedRange = {
  readonly shard: number;
  readonly namespace: string;
  readonly from: FeedPlace;
  /** Exclusive, and no higher than the horizon. */
  readonly end: number;
  readonly limit: number;
};

const placeAfter = (
  { feed_position: position, book_id: bookId, uuid, version }: WriteRow,
  ordinal: number,
): FeedPlace => ({
  position,
  inside: uuid === undefined ? { bookId, version, ordinal } : { uuid, version, ordinal },
});

const placeBefore = ({ feed_position: position }: WriteRow): FeedPlace => ({ position, inside: null });

const isInside = (write: WriteRow, position: number, inside: Inside | InsideByUuid): boolean =>
  write.feed_position === position &&
  write.version === inside.version &&
  ('uuid' in inside ? write.uuid === inside.uuid : write.book_id === inside.bookId);
