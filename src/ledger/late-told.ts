import { IS_ADVANCE } from './account.ts';
import { LARGE, SMALL } from './late-sums.ts';

/**
 * What a span of versions told of the past: pieces of SQL for statements whose `$1` is the shard. The only readers of
 * `late_sums` and `late_summed`.
 *
 * Each takes the whole blocks within the span from their sums, and what lies outside of them, or has not been summed up
 * yet, from the entries. So it reads a bounded number of entries, and some rows for every 4096 versions of the span;
 * nothing at all where nothing was told late.
 */
export type LateSpan = {
  /** The book's id. */
  readonly book: string;
  /** The last version before the span: v(T) of the question (history.ts). */
  readonly after: string;
  /** The last version of the span: the one known. */
  readonly through: string;
  /** T: what was booked by then, inclusive. */
  readonly at: string;
  /** Nothing is read unless this holds. */
  readonly where?: string;
};

// Whole blocks: small ones [a, z), of which [aa, zz) are whole large ones.
const reach = ({ book, after, through, where = 'true' }: LateSpan): string => `
  (
    select ${after} + 1 as first, ${through} + 1 as past, least(${through} + 1, coalesce((
      select m.below_version from late_summed m where m.shard = $1 and m.book_id = ${book}
    ), 0)) as summed
    where ${after} < ${through} and ${where}
  ) span
  cross join lateral (
    select (span.first + ${SMALL - 1}) / ${SMALL} as a, span.summed / ${SMALL} as z,
           (span.first + ${LARGE - 1}) / ${LARGE} as aa, span.summed / ${LARGE} as zz
  ) whole`;

const REST = `
  cross join lateral (values
    (span.first, case when whole.a < whole.z then whole.a * ${SMALL} else span.past end),
    (case when whole.a < whole.z then whole.z * ${SMALL} else span.past end, span.past)
  ) part (first, past)`;

// Large blocks one by one: the rows of a time are one stretch of the index within a block, however many series it tells
// something of. Small ones together: they have few rows.
const blocks = (span: LateSpan, kind: 'ACCOUNT' | 'GRANT', condition = 'true'): string => {
  const sums = (which: string) => `
    join lateral (
      select * from late_sums l
      where l.shard = $1 and l.book_id = ${span.book} and l.kind = '${kind}' and ${which}
        and l.first_at <= ${span.at} and l.until_at > ${span.at} and ${condition}
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
  ) l`;
};

const rest = (span: LateSpan): string => `
  ${reach(span)} ${REST}
  join lateral (
    select * from entries e
    where e.shard = $1 and e.book_id = ${span.book} and e.late_class is not null
      and e.version >= part.first and e.version < part.past and e.booked_at <= ${span.at}
    offset 0
  ) e on true`;

const size = (level: string): string => `(case ${level} when 2 then ${LARGE} else ${SMALL} end)`;

// What a block comes to by an instant, by the row that holds it.
const by = (at: string): string => `l.totals[width_bucket(${at}, l.instants)]`;

/**
 * Rows `(id, amount)`: the sub-accounts of which something was told late, each perhaps more than once; of `among` alone,
 * where that names a relation that is short, as `sub_accounts` is.
 */
export const toldOfAccounts = (span: LateSpan, among?: string): string => `
  select l.series as id, ${by(span.at)} as amount
  from ${blocks(span, 'ACCOUNT', among === undefined ? 'true' : `l.series = any (array(select s.id from ${among} s))`)}
  union all
  select s.id, e.amount
  from (select e.sub_account, sum(e.amount) as amount from ${rest(span)} group by e.sub_account) e
  join lateral (
    select s.id from sub_accounts s where s.shard = $1 and s.book_id = ${span.book} and s.ordinal = e.sub_account offset 0
  ) s on true`;

/** Rows `(grant_id, amount)`: what was told late of what remains of grants, each perhaps more than once. */
export const toldOfGrants = (span: LateSpan): string => `
  select l.series as grant_id, ${by(span.at)} as amount
  from ${blocks(span, 'GRANT')}
  union all
  select e.grant_id, e.amount from ${rest(span)} where e.grant_remaining is not null`;

/** Rows `(amount)` of one grant: as {@link toldOfGrants}, without the sums of others. */
export const toldOfGrant = (span: LateSpan, grant: string): string => `
  select ${by(span.at)} as amount
  from ${blocks(span, 'GRANT', `l.series = ${grant}`)}
  union all
  select e.amount from ${rest(span)} where e.grant_id = ${grant} and e.grant_remaining is not null`;

/** Rows `(charge_id)`: the charges of whose advances something was told late. */
export const chargesToldOf = (span: LateSpan): string => `
  select e.charge_id
  from ${blocks(span, 'ACCOUNT')}
  join sub_accounts s on s.shard = $1 and s.book_id = ${span.book} and s.id = l.series and ${IS_ADVANCE}
  join lateral (
    select * from entries e
    where e.shard = $1 and e.book_id = ${span.book} and e.sub_account = s.ordinal
      and e.version >= l.block * ${size('l.level')} and e.version < (l.block + 1) * ${size('l.level')}
      and e.booked_at <= ${span.at} and e.charge_id is not null
    offset 0
  ) e on true
  union all
  select e.charge_id
  from ${rest(span)}
  join sub_accounts s on s.shard = $1 and s.book_id = ${span.book} and s.ordinal = e.sub_account and ${IS_ADVANCE}
  where e.charge_id is not null`;

/** Rows `(version)`: none of the span told of what was booked by then after the last of these. */
export const versionsTold = (span: LateSpan): string => `
  select least((l.block + 1) * ${size('l.level')} - 1, ${span.through}) as version from ${blocks(span, 'ACCOUNT')}
  union all
  select e.version from ${rest(span)}`;
