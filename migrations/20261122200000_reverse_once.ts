import type { Knex } from 'knex';

/**
 * A manual posting is reversed once, and the database keeps it. The index also answers whether one has been reversed.
 *
 * Lock impact: writes to `entries` wait while the table is read once to build the index, which is empty then: no entry
 * is a reversal yet. Later writes pay nothing for it unless they reverse.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create unique index entries_reversed_once on entries (shard, book_id, reversed_version, reversed_position)
      where kind = 'REVERSE'`);
}
