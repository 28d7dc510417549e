import type { Amount } from '../amount.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Scope } from '../scope.ts';
import type { PostingKind } from './posting.ts';
import { IS_SETTLED } from './account.ts';

/**
 * What moved settled in a scope, one row per event (domain.md §11). A row is a transaction and its net change of settled
 * there; a net of zero shows no row. An expiry and what undid part of it are one row, and so are the coverings of one
 * charge's advances by one grant at one instant of one write; credit paid after its own expiry, issued and gone in one
 * breath, shows none. What a correction gives back to a grant that has expired expires in a row of its own.
 */
export type Movement = {
  /** Null: it has fallen due, or lies ahead, and is not booked yet. */
  readonly id: string | null;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly amount: Amount;
  /** Null for credit that an adjustment took, be it from one grant alone: no grant is what that is about. */
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Of an adjustment; null otherwise. */
  readonly reason: string | null;
  readonly recordedAt: Instant;
} & MovementKey;

/** Where a row stands: newest first is descending (booked_at, version, position). */
export type MovementKey = { readonly bookedAt: Instant; readonly version: number; readonly position: number };

export type MovementFilter = {
  readonly shard: number;
  readonly bookId: string;
  /** The last version known. */
  readonly version: number;
  readonly scope: Scope;
  /** Null: any. */
  readonly currency: string | null;
};

export type MovementPage = MovementFilter & {
  readonly kinds: readonly PostingKind[];
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly until: Instant;
  /** Rows strictly older or newer than this one. */
  readonly beyond: MovementKey;
  readonly direction: 'older' | 'newer';
  readonly limit: number;
};

type Row = {
  id: string;
  kind: PostingKind;
  booked_at: Instant;
  version: number;
  ordinal: number;
  recorded_at: Instant;
  currency: string;
  amount: Amount;
  grant_id: string | null;
  charge_id: string | null;
  reason: string | null;
};

/** Whether settled in the filter's scope is a sum over the sub-account `s`. */
export const IN_SCOPE = `
  ${IS_SETTLED} and ($5::text is null or s.currency = $5)
  and ($4::text[] is null or s.feature_keys = '{}' or s.feature_keys && $4)`;

// Entries are looked up by their charge or grant, not by instant or version alone: a thousand grants may expire at one
// instant, and one write books them all.
const ofCharge = (e: string): string => `
  ${e}.shard = $1 and ${e}.book_id = $2 and ${e}.charge_id = t.charge_id and ${e}.version = t.version`;
const ofGrant = (e: string): string => `
  ${e}.shard = $1 and ${e}.book_id = $2 and ${e}.grant_id = t.grant_id`;

// Coverings that show in one row with t.
const covering = (e: string): string => `
  t.kind = 'COVER' and ${ofCharge(e)} and ${e}.kind = 'COVER' and ${e}.grant_id = t.grant_id
  and ${e}.booked_at = t.booked_at`;

// What the grant of an expiry t lost at its instant, or got back of that.
const losing = (e: string, kind: 'EXPIRE' | 'EXPIRE_UNDONE'): string => `
  t.kind = 'EXPIRE' and ${ofGrant(e)} and ${e}.kind = '${kind}' and ${e}.grant_remaining is not null
  and ${e}.booked_at = t.booked_at and ${e}.version <= $3`;

/** The entries of a row `t` of `transactions`; `$1` and `$2` are its book's. */
export const ENTRIES_OF_TRANSACTION = `
  select e.* from entries e where ${ofCharge('e')} and e.transaction = t.ordinal
  union all
  select e.* from entries e
  where t.charge_id is null and ${ofGrant('e')} and e.version = t.version and e.transaction = t.ordinal
  union all
  select e.* from entries e
  where t.charge_id is null and t.grant_id is null
    and e.shard = $1 and e.book_id = $2 and e.version = t.version and e.transaction = t.ordinal`;

// What t shows: its own entries, and those of others that show in its row.
const SHOWN_ENTRIES = `
  select e.sub_account, e.amount from (${ENTRIES_OF_TRANSACTION}) e
  union all
  select e.sub_account, e.amount from entries e where ${covering('e')} and e.transaction > t.ordinal
  union all
  select e.sub_account, e.amount from entries e
  where ${losing('e', 'EXPIRE_UNDONE')}
    -- a later expiry at that instant is of credit that a correction gave back
    and not exists (
      select from entries f where ${losing('f', 'EXPIRE')} and (f.version, f.transaction) < (t.version, t.ordinal)
    )`;

// What has no row of its own.
const SHOWN_ELSEWHERE = `
  t.kind = 'EXPIRE_UNDONE'
  -- the first of some coverings stands for all
  or exists (select from entries f where ${covering('f')} and f.transaction < t.ordinal)
  -- issued and gone in one breath
  or exists (
    select from entries f
    where t.kind in ('ISSUE', 'EXPIRE') and ${ofGrant('f')} and f.version = t.version and f.booked_at = t.booked_at
      and f.kind in ('ISSUE', 'EXPIRE') and f.kind <> t.kind
  )`;

/** `which` picks transactions t; parameters $1–$5 are the filter's. */
const movements = (which: string): string => `
  select t.id, t.kind, t.booked_at, t.version, t.ordinal, t.recorded_at, t.grant_id, t.charge_id, t.reason,
         net.currency, net.amount
  from transactions t
  cross join lateral (
    select s.currency, sum(shown.amount) as amount from (${SHOWN_ENTRIES}) shown
    join sub_accounts s on s.shard = $1 and s.book_id = $2 and s.ordinal = shown.sub_account
    where ${IN_SCOPE}
    group by s.currency
  ) net
  where t.shard = $1 and t.book_id = $2 and t.version <= $3 and ${which} and net.amount <> 0
    -- of one row at a time: as "and not exists" Postgres may plan it as a join with all there are
    and not (${SHOWN_ELSEWHERE})`;

const page = (name: string, beyond: '<' | '>', order: 'asc' | 'desc'): Statement<Row> =>
  statement(
    name,
    `${movements(`t.kind = any($6::text[]) and t.booked_at >= $7 and t.booked_at < $8
       and (t.booked_at, t.version, t.ordinal) ${beyond} ($9::timestamptz, $10::bigint, $11::integer)`)}
     order by t.booked_at ${order}, t.version ${order}, t.ordinal ${order}
     limit $12`,
  );

const OLDER = page('movements_older', '<', 'desc');
const NEWER = page('movements_newer', '>', 'asc');
const AT_INSTANTS = statement<Row>(
  'movements_at_instants',
  `${movements('t.booked_at = any($6::timestamptz[])')} order by t.booked_at, t.version, t.ordinal`,
);

/** A page of rows beyond a key, in the order of the direction: the nearest to the key first. */
export async function pageOfMovements(
  connection: Connection,
  asked: MovementPage,
): Promise<readonly Movement[]> {
  const { beyond, direction, kinds, from, until, limit } = asked;
  const rows = await connection.run(direction === 'older' ? OLDER : NEWER, [
    ...filterParameters(asked),
    ...[kinds, timestamp(from), timestamp(until)],
    ...[timestamp(beyond.bookedAt), beyond.version, beyond.position, limit],
  ]);
  return rows.map(readMovement);
}

/** All rows of some instants, oldest first: what a running balance within an instant is made of. */
export async function movementsAt(
  connection: Connection,
  filter: MovementFilter,
  instants: readonly Instant[],
): Promise<readonly Movement[]> {
  const rows = await connection.run(AT_INSTANTS, [...filterParameters(filter), instants.map(timestamp)]);
  return rows.map(readMovement);
}

/** $1–$5 of a statement over settled in a scope: shard, book, version, feature keys (null: all), currency. */
export const filterParameters = ({
  shard,
  bookId,
  version,
  scope,
  currency,
}: MovementFilter): readonly unknown[] => [...[shard, bookId, version, scopeKeys(scope), currency]];

const scopeKeys = (scope: Scope): readonly string[] | null =>
  scope.kind === 'all' ? null : scope.kind === 'feature' ? [scope.featureKey] : [];

const readMovement = (row: Row): Movement => ({
  id: idOf('txn', row.id),
  kind: row.kind,
  currency: row.currency,
  amount: row.amount,
  grantId: row.grant_id === null || isTaken(row) ? null : idOf('grt', row.grant_id),
  chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
  reason: row.reason,
  recordedAt: row.recorded_at,
  bookedAt: row.booked_at,
  version: row.version,
  position: row.ordinal,
});

const isTaken = ({ kind, amount }: Row): boolean => kind === 'ADJUST' && amount < 0n;
