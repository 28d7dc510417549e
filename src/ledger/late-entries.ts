import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { booksOnce, inShard, PLACES, placesOf, type Placed } from '../db/placement.ts';
import { notesUpdate } from '../db/updated-columns.ts';
import { IS_ADVANCE } from './account.ts';

/**
 * Late entries: those recorded after they were booked, of back-dated facts and of what was booked when it had fallen due
 * already. They are summed up so that a past instant costs the same however many came after it. The only writer and, but
 * for verification, the only reader of `late_sums` and `late_summed`.
 *
 * Versions fall into blocks of 64, and those into blocks of 4096. Of each block that is complete, and of each sub-account
 * and grant that has late entries in it, rows hold the sums by business time, 64 instants each. What a span of versions
 * booked by an instant is then read from one row a block and series, and from the entries of at most 63 versions at either
 * end. A block's rows never change once they are there, and follow from its entries alone.
 */
export const SMALL = 64;
export const LARGE = 4_096;

const INSTANTS = 64;

const p = parameters({ ...PLACES, versions: 'bigint[]' });

// What is to be summed up of each named book at its version: the complete blocks from where the last time ended, within
// one large block, so that no write is kept long. Large blocks without late entries are passed over.
const DUE = `
  select named.shard, named.book_id, next.first, past.version as past
  from unnest(${p.shards}, ${p.bookIds}, ${p.versions}) named (shard, book_id, version)
  left join lateral (
    select m.below_version from late_summed m
    where m.shard = named.shard and m.book_id = named.book_id and ${inShard('m')}
  ) done on true
  cross join lateral (
    select e.version from entries e
    where e.shard = named.shard and e.book_id = named.book_id and ${inShard('e')} and e.late_class is not null
      and e.version >= coalesce(done.below_version, 0)
    order by e.version limit 1
  ) late
  cross join lateral (
    select case when coalesce(done.below_version, 0) % ${LARGE} = 0 then late.version / ${LARGE} * ${LARGE}
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
  select late.kind, late.block,
         coalesce(late.grant_id, (
           select s.id from sub_accounts s
           where s.shard = ${of.shard} and s.book_id = ${of.bookId} and s.ordinal = late.sub_account and ${inOneShard('s')}
         )) as series,
         min(late.booked_at) as first_at,
         coalesce(lead(min(late.booked_at)) over (
           partition by late.kind, late.block, late.sub_account, late.grant_id order by min(late.booked_at)
         ), 'infinity') as until_at,
         array_agg(late.booked_at order by late.booked_at) as instants,
         array_agg(late.total order by late.booked_at) as totals
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
  ) late
  group by late.kind, late.block, late.sub_account, late.grant_id, (late.number - 1) / ${INSTANTS}`;

const SUM_UP = statement<never>(
  'sum_up_late_entries',
  `insert into late_sums (shard, book_id, kind, level, block, series, first_at, until_at, instants, totals)
   select coalesce(${p.oneShard}, due.shard), due.book_id, sums.kind, part.level, sums.block, sums.series,
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

notesUpdate('late_summed', ['below_version']);
const SUMMED_UP = statement<never>(
  'late_entries_summed_up',
  `insert into late_summed (shard, book_id, below_version)
   select coalesce(${p.oneShard}, due.shard), due.book_id, due.past from (${DUE}) due
   on conflict (shard, book_id) do update set below_version = excluded.below_version`,
);

/** A book with the versions that a batch wrote and has stored the entries of. */
export type NewVersions = Placed & { readonly first: number; readonly last: number };

/** Whether the versions of a batch complete a block. */
export const completesBlock = ({ first, last }: Pick<NewVersions, 'first' | 'last'>): boolean =>
  Math.floor((last + 1) / SMALL) > Math.floor(first / SMALL);

/** Sums up the late entries of these books up to their last versions: two statements for all; none sends nothing. */
export function sumUpLateEntries(
  connection: Connection,
  books: readonly NewVersions[],
): readonly Promise<unknown>[] {
  const named = booksOnce(books);
  if (named.length === 0) return [];
  const params = bind(p, placesOf(named), { versions: named.map(({ last }) => last) });
  return [connection.run(SUM_UP, params), connection.run(SUMMED_UP, params)];
}

/** What lies between v(T) and V and was booked by T, each an expression in SQL (as-of.ts). */
export type LateSpan = Readonly<Record<'shard' | 'bookId' | 'asOf' | 'recordedBy' | 'version', string>>;

// Whole blocks: small ones [a, z), of which [aa, zz) are whole large ones.
const reach = ({ shard, bookId, recordedBy, version }: LateSpan): string => `
  (
    select ${recordedBy} + 1 as first, ${version} + 1 as past, least(${version} + 1, coalesce((
      select m.below_version from late_summed m where m.shard = ${shard} and m.book_id = ${bookId}
    ), 0)) as summed
    where ${recordedBy} < ${version}
  ) span
  cross join lateral (
    select (span.first + ${SMALL - 1}) / ${SMALL} as a, span.summed / ${SMALL} as z,
           (span.first + ${LARGE - 1}) / ${LARGE} as aa, span.summed / ${LARGE} as zz
  ) whole`;

// Large blocks one by one: the rows of a time are one stretch of the index within a block, however many series it tells
// something of. Small ones together: they have few rows.
const blocks = (span: LateSpan, kind: 'ACCOUNT' | 'GRANT', condition = 'true'): string => {
  const sums = (which: string) => `
    join lateral (
      select * from late_sums l
      where l.shard = ${span.shard} and l.book_id = ${span.bookId} and l.kind = '${kind}' and ${which}
        and l.first_at <= ${span.asOf} and l.until_at > ${span.asOf} and ${condition}
      offset 0
    ) l on true`;
  return `
  ${reach(span)}
  cross join lateral (
    select l.* from generate_series(whole.aa, whole.zz - 1) large (block)
    ${sums('l.level = 2 and l.block = large.block')}
    union all
    select l.*
    from (values
      (whole.a, case when whole.aa < whole.zz then whole.aa * ${LARGE / SMALL} else whole.z end),
      (case when whole.aa < whole.zz then whole.zz * ${LARGE / SMALL} else whole.z end, whole.z)
    ) small (first, past)
    ${sums('l.level = 1 and l.block >= small.first and l.block < small.past')}
  ) l
  cross join lateral (
    select l.totals[width_bucket(${span.asOf}, l.instants)] as amount, l.block * size.versions as first,
           (l.block + 1) * size.versions as past
    from (select case l.level when 2 then ${LARGE} else ${SMALL} end as versions) size
  ) block`;
};

// What lies outside of whole blocks, or is not summed up yet.
const rest = (span: LateSpan): string => `
  ${reach(span)}
  cross join lateral (values
    (span.first, case when whole.a < whole.z then whole.a * ${SMALL} else span.past end),
    (case when whole.a < whole.z then whole.z * ${SMALL} else span.past end, span.past)
  ) part (first, past)
  join lateral (
    select * from entries e
    where e.shard = ${span.shard} and e.book_id = ${span.bookId} and e.late_class is not null
      and e.version >= part.first and e.version < part.past and e.booked_at <= ${span.asOf}
    offset 0
  ) e on true`;

/**
 * Rows `(id, amount)`: the sub-accounts that have late entries in a span, each perhaps more than once; of `among` alone,
 * where that names a relation that is short, as `sub_accounts` is.
 */
export const lateOfAccounts = (span: LateSpan, among?: string): string => `
  select l.series as id, block.amount
  from ${blocks(span, 'ACCOUNT', among && `l.series = any (array(select s.id from ${among} s))`)}
  union all
  select s.id, e.amount
  from (select e.sub_account, sum(e.amount) as amount from ${rest(span)} group by e.sub_account) e
  join lateral (
    select s.id from sub_accounts s
    where s.shard = ${span.shard} and s.book_id = ${span.bookId} and s.ordinal = e.sub_account
    offset 0
  ) s on true`;

/** Rows `(grant_id, amount)`: the same of what remains of grants; of one grant alone, where it is named. */
export const lateOfGrants = (span: LateSpan, grant?: string): string => `
  select l.series as grant_id, block.amount
  from ${blocks(span, 'GRANT', grant && `l.series = ${grant}`)}
  union all
  select e.grant_id, e.amount
  from ${rest(span)} where e.grant_remaining is not null and ${grant ? `e.grant_id = ${grant}` : 'true'}`;

/** Rows `(charge_id)`: the charges whose advances have late entries in a span. */
export const lateDebtors = (span: LateSpan): string => {
  const advances = `sub_accounts s on s.shard = ${span.shard} and s.book_id = ${span.bookId} and ${IS_ADVANCE}`;
  return `
  select e.charge_id
  from ${blocks(span, 'ACCOUNT')}
  join ${advances} and s.id = l.series
  join lateral (
    select * from entries e
    where e.shard = ${span.shard} and e.book_id = ${span.bookId} and e.sub_account = s.ordinal
      and e.version >= block.first and e.version < block.past
      and e.booked_at <= ${span.asOf} and e.charge_id is not null
    offset 0
  ) e on true
  union all
  select e.charge_id from ${rest(span)} join ${advances} and s.ordinal = e.sub_account where e.charge_id is not null`;
};

/** Rows `(version)`: behind the last of these no version of a span has late entries. */
export const lateVersions = (span: LateSpan): string => `
  select least(block.past - 1, ${span.version}) as version from ${blocks(span, 'ACCOUNT')}
  union all
  select e.version from ${rest(span)}`;
