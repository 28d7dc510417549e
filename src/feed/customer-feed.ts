import { bookKeyText, shardOf, type BookKey } from '../tables/book-key.ts';
import { findBooks } from '../tables/books.ts';
import type { Database } from '../db/database.ts';
import { once } from '../db/once.ts';
import { pageOfTransactions, WHOLE_JOURNAL } from '../ledger/journal-pages.ts';
import type { JournalCursor } from '../ledger/journal-walks.ts';
import { LAST_ORDINAL, writeCursor } from './feed-cursor.ts';
import { endOf, type ShardTail } from './feed-rows.ts';
import { refuseAhead, type FeedSource } from './feed-source.ts';
import type { Tail } from './tail.ts';

const TRANSACTIONS_PER_READ = 256;

/**
 * The transactions of one customer in version order. The lock on a book lets its versions come into sight one after the
 * other, so what can be seen is told at once, whatever transactions of others are still open.
 */
export function customerFeed(
  database: Database,
  tail: Tail,
  key: BookKey,
  from: JournalCursor | 'now',
): FeedSource {
  const shard = shardOf(key);
  let after: JournalCursor | 'now' = from;
  // The shard as it was when all there was had been read: what has come since is no lower than its end.
  let seen: ShardTail | null = null;

  return {
    isBehind: () => {
      const now = tail.shard(shard);
      if (seen === null) return true;
      if (now !== seen && now.last >= endOf(seen)) return true;
      seen = now;
      return false;
    },
    isPast: ({ xids }) => seen !== null && seen.horizon > xids[shard]!,
    async read() {
      const before = tail.shard(shard);
      const found = await database.snapshot(async (connection) => {
        const [book] = await findBooks(connection, once([key], bookKeyText));
        const version = book?.version ?? 0;
        if (after === 'now') after = { version, position: LAST_ORDINAL };
        if (version < after.version) refuseAhead();
        if (book === undefined) return [];
        const range = { shard, bookId: book.id, version, after, limit: TRANSACTIONS_PER_READ };
        return (await pageOfTransactions(connection, { ...WHOLE_JOURNAL, ...range })).rows;
      });
      if (found.length < TRANSACTIONS_PER_READ) seen = before;
      return (function* () {
        for (const transaction of found) {
          after = { version: transaction.version, position: transaction.ordinal };
          yield { customerId: key.customerId, transaction };
        }
      })();
    },
    cursor: () => {
      if (after === 'now') throw new Error('invariant: nothing has been read yet');
      return writeCursor({ of: 'customer', version: after.version, ordinal: after.position });
    },
  };
}
