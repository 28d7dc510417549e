import { SHARDS } from '../tables/book-key.ts';
import { awaitAll, type Database } from '../db/database.ts';
import { readFeedPage } from './feed-rows.ts';
import { writeCursor, type FeedPlace } from './feed-cursor.ts';
import type { FeedSource, FollowedTransaction } from './feed-source.ts';
import type { Tail } from './tail.ts';

/** A read looks at so many writes at most, of so many shards at once: what bounds the memory of a feed. */
const WRITES_PER_READ = 256;
const SHARDS_PER_READ = 4;

/** The beginning of the journal. */
export const BEGINNING: readonly FeedPlace[] = Array.from({ length: SHARDS }, () => ({
  position: 0,
  inside: null,
}));

/**
 * The transactions of a namespace, shard by shard, each in order of position, book and version. A shard is read below
 * its horizon only, where everything there will ever be is there already: so nothing is missed, and nothing told twice.
 */
export function namespaceFeed(
  database: Database,
  tail: Tail,
  namespace: string,
  from: readonly FeedPlace[],
): FeedSource {
  const places = [...from];
  // Where the last read ended: the shards take turns.
  let turn = 0;

  /** Whether there may be something to read; where there is nothing below the horizon, the place moves up to it. */
  function isBehind(shard: number): boolean {
    const { horizon, last } = tail.shard(shard);
    const { position } = places[shard]!;
    if (position >= horizon) return false;
    if (last >= position) return true;
    places[shard] = { position: horizon, inside: null };
    return false;
  }

  function* tell(
    shard: number,
    page: Awaited<ReturnType<typeof readFeedPage>>,
  ): Generator<FollowedTransaction> {
    for (const { customerId, transaction, next } of page.items) {
      places[shard] = next;
      yield { customerId, transaction };
    }
    places[shard] = page.next;
  }

  return {
    // Not `some`: every place is to move up.
    isBehind: () => places.filter((_, shard) => isBehind(shard)).length > 0,
    isPast: ({ xids }) => places.every(({ position }, shard) => position > xids[shard]!),
    async read() {
      const inTurn = places.map((_, i) => (turn + i) % SHARDS).filter(isBehind);
      const shards = inTurn.slice(0, SHARDS_PER_READ);
      turn = ((shards.at(-1) ?? 0) + 1) % SHARDS;
      const limit = Math.floor(WRITES_PER_READ / shards.length);
      const pages = await database.snapshot((connection) =>
        awaitAll(
          shards.map((shard) => {
            const { horizon } = tail.shard(shard);
            return readFeedPage(connection, { shard, namespace, from: places[shard]!, horizon, limit });
          }),
        ),
      );
      return (function* () {
        for (const [i, shard] of shards.entries()) yield* tell(shard, pages[i]!);
      })();
    },
    cursor: () => writeCursor({ of: 'namespace', places }),
  };
}
