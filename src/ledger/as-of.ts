import type { KnownBook } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import { OF_CREDIT } from './entries-of.ts';
import { lateOfAccounts, lateOfGrants, type LateSpan } from './late-entries.ts';
import { kindsHeld } from './posting.ts';

/**
 * What the journal says at an instant T as known at a version V. Running totals stand in version order, so
 *
 *   sum(T, V) = running total at v(T) + Σ late entries with v(T) < version ≤ V and booked_at ≤ T
 *
 * where v(T) is the last version recorded at or before T (at most V). Two index probes per sub-account, and the sums of
 * late entries (late-entries.ts), whatever the length of history and however much of it came late. Valid up to the
 * instant V was recorded at: what falls due later is not in the journal yet.
 *
 * These are pieces of SQL, made of expressions by name; whatever is asked of the past is a select list over them.
 */
export type JournalPoint = KnownBook & {
  /** T, inclusive. */
  readonly asOf: Instant;
  /** v(T), at most `version`. */
  readonly recordedBy: number;
};

/** Parameters that name these: `version` is V. */
export const KNOWN_BOOK = { shard: 'smallint', bookId: 'bigint', version: 'bigint' } as const;
export const POINT = { ...KNOWN_BOOK, asOf: 'timestamptz', recordedBy: 'bigint' } as const;

type Sql<Name extends string> = Readonly<Record<'shard' | 'bookId' | Name, string>>;
/** One more condition on the row: how far versions go, or which shard is meant. */
type Where = { readonly where?: string };

/** The last write `(version, recorded_at)` at or before an instant, if there is one. */
export const writeAt = ({ shard, bookId, asOf, where = 'true' }: Sql<'asOf'> & Where): string => `
  select w.version, w.recorded_at from writes w
  where w.shard = ${shard} and w.book_id = ${bookId} and w.recorded_at <= ${asOf} and ${where}
  order by w.recorded_at desc, w.version desc limit 1`;

/** v(T); 0 before the first write. */
export const versionAt = (of: Sql<'asOf'> & Where): string =>
  `coalesce((select w.version from (${writeAt(of)}) w), 0)`;

/** `(amount)`: what a sub-account held after its last entry, if it has one. */
export const lastTotal = ({ shard, bookId, account, where }: Sql<'account'> & Required<Where>): string => `
  select e.running_total as amount from entries e
  where e.shard = ${shard} and e.book_id = ${bookId} and e.sub_account = ${account} and ${where}
  order by e.version desc, e.position desc limit 1`;

/**
 * What sub-accounts hold, as `with` queries. `points` are rows `(book_id, as_of, recorded_by, version)`: T, v(T) and V;
 * `accounts` says of which rows `s` of `sub_accounts`. Ends in `held`, a row for each point and account: its columns,
 * `as_of`, the `amount`, and whether it has been `booked` to at all.
 */
export function heldAt(of: {
  readonly shard: string;
  readonly points: string;
  readonly accounts: string;
  /** Whether all points are of one book, whose sub-accounts are few. */
  readonly oneBook: boolean;
}): string {
  const { shard } = of;
  const book = { shard, bookId: 'p.book_id' };
  const span = { ...book, asOf: 'p.as_of', recordedBy: 'p.recorded_by', version: 'p.version' };
  return `
  point as materialized (${of.points}), account as materialized (
    select s.* from (select distinct p.book_id from point p) b
    join sub_accounts s on s.shard = ${shard} and s.book_id = b.book_id and ${of.accounts}
  ), late as materialized (
    select p.as_of, l.id, sum(l.amount) as amount from point p
    cross join lateral (${lateOfAccounts(span, of.oneBook ? 'account' : undefined)}) l
    group by p.as_of, l.id
  ), held as (
    select s.*, p.as_of, p.version, last.amount is not null or late.amount is not null as booked,
           coalesce(last.amount, 0) + coalesce(late.amount, 0) as amount
    from point p
    join account s on s.book_id = p.book_id
    left join lateral (${lastTotal({ ...book, account: 's.ordinal', where: 'e.version <= p.recorded_by' })}) last on true
    left join late on late.as_of = p.as_of and late.id = s.id
  )`;
}

/** Of so many entries and fewer a grant's own are added up; of more the sums. */
const FEW = 64;

/**
 * `(remaining, forfeited)`: what a grant held at a point, and what it had lost by then other than by consumption. Of a
 * grant that has few entries after v(T), as most have, they say what came late sooner than the sums of blocks.
 */
export const grantAt = (of: LateSpan & { readonly grant: string }): string => {
  const entries = `entries e where e.shard = ${of.shard} and e.book_id = ${of.bookId} and e.grant_id = ${of.grant}
      and e.version <= ${of.version} and ${OF_CREDIT}`;
  return `
  select
    coalesce((
      select e.grant_remaining from ${entries} and e.version <= ${of.recordedBy}
      order by e.version desc, e.position desc limit 1
    ), 0) + coalesce(case
      when own.entries <= ${FEW} then own.amount
      else (select sum(l.amount) from (${lateOfGrants(of, of.grant)}) l)
    end, 0) as remaining,
    coalesce((
      select -sum(e.amount) from ${entries} and e.booked_at <= ${of.asOf} and e.kind in ${kindsHeld('EXPIRED', 'VOIDED')}
    ), 0) as forfeited
  from (
    select count(*) as entries, sum(e.amount) filter (where e.booked_at <= ${of.asOf}) as amount from (
      select e.amount, e.booked_at from ${entries} and e.version > ${of.recordedBy}
      order by e.version, e.position limit ${FEW + 1}
    ) e
  ) own`;
};

/** Whether what a row `fact` says was recorded after it was booked, by `write`. */
export const isLate = (fact: string, write: string): string => `${fact}.booked_at < ${write}.recorded_at`;
