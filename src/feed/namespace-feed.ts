import { SHARDS } from '../tables/book-key.ts';
import { awaitAll, type Database } from '../db/database.ts';
import { endOf, readFeedPage } from './feed-rows.ts';
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
  // A mark that a stream begins at is an id that a crash may give anew, and so are places that were told before.
  const places = from.map((place, shard): FeedPlace => {
    const end = endOf(tail.shard(shard));
    return place.position > end ? { position: end, inside: null } : place;
  });
  // Where the last read ended: the shards take turns.
  let turn = 0;

  const isBehind = (shard: number): boolean => places[shard]!.position < endOf(tail.shard(shard));

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
    isBehind: () => places.some((_, shard) => isBehind(shard)),
    // The horizons are above the watermark: of what can be seen below it, or in all, nothing is left, and no more comes.
    isPast: ({ xids }) =>
      places.every(({ position }, shard) => position > Math.min(xids[shard]!, tail.shard(shard).last)),
    async read() {
      const inTurn = places.map((_, i) => (turn + i) % SHARDS).filter(isBehind);
      const shards = inTurn.slice(0, SHARDS_PER_READ);
      turn = ((shards.at(-1) ?? 0) + 1) % SHARDS;
      const limit = Math.floor(WRITES_PER_READ / shards.length);
      const pages = await database.snapshot((connection) =>
        awaitAll(
          shards.map((shard) => {
            const end = endOf(tail.shard(shard));
            return readFeedPage(connection, { shard, namespace, from: places[shard]!, end, limit });
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
