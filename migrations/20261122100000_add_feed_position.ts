import type { Knex } from 'knex';

/**
 * The place of a write in the feed of its shard: what `WatchTransactions` reads a namespace by.
 *
 * Lock impact: the columns are added without a rewrite, under an exclusive lock held for an instant. Building the index
 * keeps writers (not readers) of `writes` waiting. What was written
 * before has the position 0: feeds tell it first, in order of book and version. End instances of earlier releases
 * before a feed is opened: what they wrote afterwards would have the position 0 too, and feeds have passed that.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- the later of the transaction id it was written under and the position of the book's write before it: never goes
    -- down in a book, and once every transaction id up to it has ended, everything at it is there to be read
    alter table writes add column feed_position bigint not null default 0;
    -- projection: that of the book's last write
    alter table books add column feed_position bigint not null default 0;
    create index writes_feed on writes (shard, feed_position, book_id, version);
  `);
}
