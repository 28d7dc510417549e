import { awaitAll, statement, type Connection, type Database } from '../db/database.ts';
import { waitUntil } from '../db/clock.ts';
import { SHARDS } from './book-key.ts';

/**
 * Which writes are under way. A write takes its transaction id with its locks, before it reads its instant: once all ids
 * up to one taken now have ended, all that was recorded by now is there to be read. Each statement names one shard, and
 * is answered by the node that holds it.
 */

/** No write takes this long from reading its instant to its commit: statements are canceled before. */
export const LONGEST_WRITE_MS = 60_000;

/** How long a question about many books waits for the writes that are under way. */
const PATIENCE_MS = 2_000;

// The least of an index is there in any case: a row to ask for, so that Citus asks the node that has the shard.
const MARK = statement<{ xid: number }>(
  'write_mark',
  `select pg_current_xact_id()::text::bigint as xid, min(w.feed_position) from writes w where w.shard = $1`,
);

/** A transaction id for each shard: lower than that of every transaction that takes its own later. */
export async function readMarks(
  connection: Connection,
  shards: readonly number[],
): Promise<readonly number[]> {
  const rows = await awaitAll(shards.map((shard) => connection.run(MARK, [shard])));
  return rows.map(([row]) => row!.xid);
}

const OLDEST = statement<{ xid: number }>(
  'oldest_write',
  `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xid, min(w.feed_position)
   from writes w where w.shard = $1`,
);

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

/**
 * Resolves when every write that is under way has ended, of whatever book. False: some have not ended after two seconds.
 * A replica does not know of any.
 */
export async function awaitWriters(database: Database): Promise<boolean> {
  const marks = await database
    .transaction((connection) => readMarks(connection, ALL_SHARDS))
    .catch((error: { code?: string }) => {
      if (error.code === IN_RECOVERY) return null;
      throw error;
    });
  if (marks === null) return true;
  const haveEnded = async () => {
    const oldest = await awaitAll(ALL_SHARDS.map((shard) => database.run(OLDEST, [shard])));
    return oldest.every(([row], shard) => row!.xid > marks[shard]!) || undefined;
  };
  return (await waitUntil(haveEnded, { timeoutMs: PATIENCE_MS, everyMs: 5 })) ?? false;
}

/** What a standby says when it is to take an id or a lock. */
export const IN_RECOVERY = '25006';
