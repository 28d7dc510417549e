import type { Knex } from 'knex';

/**
 * What a collection took of a grant has a row of its own only once something of it was given back or recognized: until
 * then its entries tell it. Rows that are there stay.
 *
 * Lock impact: none that anybody waits for: the table is new, and `allocations` is read once. End instances of earlier
 * releases first: they would not find the splits that have no row.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table splits_kept (
      shard smallint not null,
      book_id bigint not null,
      -- every split up to this version has a row, whether something of it moved or not
      through_version bigint not null,
      constraint splits_kept_pk primary key (shard, book_id)
    ) with (fillfactor = 80);
    insert into splits_kept (shard, book_id, through_version)
      select shard, book_id, max(version) from allocations group by shard, book_id;
  `);
}
