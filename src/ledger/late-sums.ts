import { statement, type Connection } from '../db/database.ts';
import { booksOnce, inShard, placesOf, type Placed } from '../db/placement.ts';

/**
 * The only writer of `late_sums` and `late_summed`: what was told late, summed up so that a past instant costs the same
 * however much was told after it.
 *
 * Versions fall into blocks of 64, and those into blocks of 4096. Of each block that is complete, and of each sub-account
 * and grant that something was told late of in it, rows hold the sums by business time, 64 instants each. What a span of
 * versions told late by an instant is then read from one row a block and series, and from the entries of at most 63
 * versions at either end (late-told.ts). A block's rows never change once they are there, and follow from its entries
 * alone.
 */
export const SMALL = 64;
export const LARGE = 4_096;

const INSTANTS = 64;

// What is to be summed up of each named book at its version: the complete blocks from where the last time ended, within
// one large block, so that no write is kept long. Large blocks in which nothing was told late are passed over.
const DUE = `
  select named.shard, named.book_id, next.first, past.version as past
  from unnest($1::smallint[], $2::uuid[], $4::bigint[]) named (shard, book_id, version)
  left join lateral (
    select m.below_version from late_summed m
    where m.shard = named.shard and m.book_id = named.book_id and ${inShard('m')}
  ) done on true
  cross join lateral (
    select e.version from entries e
    where e.shard = named.shard and e.book_id = named.book_id and ${inShard('e')} and e.late_class is not null
      and e.version >= coalesce(done.below_version, 0)
    order by e.version limit 1
  ) told
  cross join lateral (
    select case when coalesce(done.below_version, 0) % ${LARGE} = 0 then told.version / ${LARGE} * ${LARGE}
                else done.below_version end as first
  ) next
  cross join lateral (
    select least((named.version + 1) / ${SMALL} * ${SMALL}, (next.first / ${LARGE} + 1) * ${LARGE}) as version
  ) past
  where past.version > next.first`;

/** The rows of the blocks of a size in `[first, past)`, from entries; each name is an expression in SQL. */
export const sumsOfEntries = (
  of: Readonly<Record<'shard' | 'bookId' | 'size' | 'first' | 'past', string>>,
  inOneShard = (_alias: string) => 'true',
): string => `
  select told.kind, told.block,
         coalesce(told.grant_id, (
           select s.id from sub_accounts s
           where s.shard = ${of.shard} and s.book_id = ${of.bookId} and s.ordinal = told.sub_account and ${inOneShard('s')}
         )) as series,
         min(told.booked_at) as first_at,
         coalesce(lead(min(told.booked_at)) over (
           partition by told.kind, told.block, told.sub_account, told.grant_id order by min(told.booked_at)
         ), 'infinity') as until_at,
         array_agg(told.booked_at order by told.booked_at) as instants,
         array_agg(told.total order by told.booked_at) as totals
  from (
    select side.kind, side.block, side.sub_account, side.grant_id, side.booked_at,
           sum(sum(side.amount)) over series as total, row_number() over series as number
    from (
      select of.*, e.version / ${of.size} as block, e.booked_at, e.amount
      from (
        select * from entries e
        where e.shard = ${of.shard} and e.book_id = ${of.bookId} and ${inOneShard('e')} and e.late_class is not null
          and e.version >= ${of.first} and e.version < ${of.past}
        offset 0
      ) e
      cross join lateral (values
        ('ACCOUNT', e.sub_account, null::uuid),
        ('GRANT', null::integer, case when e.grant_remaining is not null then e.grant_id end)
      ) of (kind, sub_account, grant_id)
      where of.sub_account is not null or of.grant_id is not null
    ) side
    group by side.kind, side.block, side.sub_account, side.grant_id, side.booked_at
    window series as (partition by side.kind, side.block, side.sub_account, side.grant_id order by side.booked_at)
  ) told
  group by told.kind, told.block, told.sub_account, told.grant_id, (told.number - 1) / ${INSTANTS}`;

const SUM_UP = statement<never>(
  'sum_up_late_entries',
  `insert into late_sums (shard, book_id, kind, level, block, series, first_at, until_at, instants, totals)
   select coalesce($3::smallint, due.shard), due.book_id, sums.kind, part.level, sums.block, sums.series,
          sums.first_at, sums.until_at, sums.instants, sums.totals
   from (${DUE}) due
   cross join lateral (values
     (1, ${SMALL}, due.first), (2, ${LARGE}, case when due.past % ${LARGE} = 0 then due.past - ${LARGE} else due.past end)
   ) part (level, size, first)
   cross join lateral (
     ${sumsOfEntries({ shard: 'due.shard', bookId: 'due.book_id', size: 'part.size', first: 'part.first', past: 'due.past' }, inShard)}
   ) sums
   -- there already where only late_summed was dropped
   on conflict do nothing`,
);

const SUMMED_UP = statement<never>(
  'late_entries_summed_up',
  `insert into late_summed (shard, book_id, below_version)
   select coalesce($3::smallint, due.shard), due.book_id, due.past from (${DUE}) due
   on conflict (shard, book_id) do update set below_version = excluded.below_version`,
);

/** A book with the versions that a batch wrote and has stored the entries of. */
export type Told = Placed & { readonly first: number; readonly last: number };

/** Whether the versions of a batch complete a block. */
export const completesBlock = ({ first, last }: Pick<Told, 'first' | 'last'>): boolean =>
  Math.floor((last + 1) / SMALL) > Math.floor(first / SMALL);

/** Sums up what was told late in these books up to their last versions: two statements for all; none sends nothing. */
export function sumUpLateEntries(
  connection: Connection,
  books: readonly Told[],
): readonly Promise<unknown>[] {
  const told = booksOnce(books);
  if (told.length === 0) return [];
  const params = [...placesOf(told), told.map(({ last }) => last)];
  return [connection.run(SUM_UP, params), connection.run(SUMMED_UP, params)];
}
