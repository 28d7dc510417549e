import type { Knex } from 'knex';

/**
 * Sums of what was told late, so that a past instant costs the same however many facts were told after it. The index by
 * lateness gives way to one in order of recording: the same rows, fewer columns.
 *
 * Lock impact: writes to `entries` wait while the table is read once to build the index. Nothing is summed up here: a
 * book catches up as facts are told late in it, 4096 versions at a time, and until then its late entries are read one
 * by one, as before.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- projection: of the entries told late that a block of versions recorded, the sum by business time; a block has 64
    -- versions on level 1 and 4096 on level 2
    create table late_sums (
      shard smallint not null,
      book_id uuid not null,
      kind text not null,
      level smallint not null,
      -- versions from block × size up to the next block
      block bigint not null,
      -- the sub-account, or the grant, that is summed up
      series uuid not null,
      -- the piece of business time the row is about: from the first of its instants up to the first of the next row
      first_at timestamptz(3) not null,
      until_at timestamptz(3) not null,
      -- each booked_at there is in it, and what the block's entries come to by then
      instants timestamptz(3)[] not null,
      totals numeric[] not null,
      -- both ends, so that the rows of other times are passed over within the index; a block's rows in order of time,
      -- because it may tell something of thousands of grants
      constraint late_sums_pk primary key (shard, book_id, kind, level, block, first_at, until_at, series),
      constraint late_sums_kind_known check (kind in ('ACCOUNT', 'GRANT')),
      constraint late_sums_readable check (
        first_at >= '0001-01-01 00:00:00+00' and first_at < '10000-01-01 00:00:00+00' and (
          until_at = 'infinity' or until_at >= '0001-01-01 00:00:00+00' and until_at < '10000-01-01 00:00:00+00')),
      constraint late_sums_forward check (first_at < until_at),
      constraint late_sums_total_per_instant check (cardinality(instants) = cardinality(totals))
    );

    -- projection: how far a book's late entries are summed up. Without the row, or with a lower version, answers are the
    -- same and take longer.
    create table late_summed (
      shard smallint not null,
      book_id uuid not null,
      -- all versions below; a multiple of 64
      below_version bigint not null,
      constraint late_summed_pk primary key (shard, book_id)
    ) with (fillfactor = 80);

    -- what was told late, in order of recording
    create index entries_told_late on entries (shard, book_id, version) where late_class is not null;
    drop index entries_late;
  `);
}
