import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { IS_SETTLED } from './account.ts';
import { chargesToldOf, toldOfAccounts, toldOfGrant, toldOfGrants, type LateSpan } from './late-told.ts';

/**
 * What the journal says at an instant as known at a version. Running totals stand in version order, so
 *
 *   sum(T, V) = running total at v(T) + Σ late entries with v(T) < version ≤ V and booked_at ≤ T
 *
 * where v(T) is the last version recorded at or before T (at most V). Two index probes per sub-account, and what was
 * told late from its sums (late-told.ts), whatever the length of history and however much of it was told late. Valid up
 * to the instant V was recorded at: what falls due later is not in the journal yet.
 */
export type JournalPoint = {
  readonly shard: number;
  readonly bookId: string;
  /** T, inclusive. */
  readonly at: Instant;
  /** v(T), at most `version`. */
  readonly recordedBy: number;
  /** V. */
  readonly version: number;
};

const LATE: LateSpan = {
  ...{ book: '$2::uuid', after: '$4::bigint', through: '$5::bigint', at: '$3::timestamptz' },
};

const parameters = ({ shard, bookId, at, recordedBy, version }: JournalPoint): readonly unknown[] => [
  ...[shard, bookId, timestamp(at), recordedBy, version],
];

export type SettledTotal = {
  readonly currency: string;
  readonly featureKeys: readonly string[];
  readonly amount: Amount;
};
type SettledRow = { currency: string; feature_keys: string[]; amount: Amount };

const SETTLED = statement<SettledRow>(
  'settled_at',
  `with accounts as materialized (
     select s.* from sub_accounts s where s.shard = $1 and s.book_id = $2 and ${IS_SETTLED}
   ), late as materialized (
     select told.id, sum(told.amount) as amount from (${toldOfAccounts(LATE, 'accounts')}) told group by told.id
   )
   select s.currency, s.feature_keys, sum(coalesce(base.running_total, 0) + coalesce(late.amount, 0)) as amount
   from accounts s
   left join lateral (
     select e.running_total from entries e
     where e.shard = $1 and e.book_id = $2 and e.sub_account = s.ordinal and e.version <= $4
     order by e.version desc, e.position desc limit 1
   ) base on true
   left join late on late.id = s.id
   group by s.currency, s.feature_keys`,
);

/** settled(T) = Σ FBO + Σ receivable with unknown cost basis (domain.md §5), by currency and feature keys. */
export async function settledTotals(
  connection: Connection,
  point: JournalPoint,
): Promise<readonly SettledTotal[]> {
  const rows = await connection.run(SETTLED, parameters(point));
  return rows.map((row) => ({ currency: row.currency, featureKeys: row.feature_keys, amount: row.amount }));
}

/** What a grant held at the point, and what it had lost by then other than by consumption. */
export type GrantTotals = { readonly remaining: Amount; readonly forfeited: Amount };
type GrantRow = { grant_id: string; remaining: Amount; forfeited: Amount };

/** Of so many entries and fewer a grant's own are added up; of more the sums. */
const FEW = 64;

// What was booked by T and recorded after it was told late: of a grant that has little of it, as most have, its own
// entries say so sooner than the sums of blocks.
const GRANTS = statement<GrantRow>(
  'grants_at',
  `select named.grant_id,
          coalesce(base.grant_remaining, 0)
            + coalesce(case when few.entries <= ${FEW} then few.amount else many.amount end, 0) as remaining,
          coalesce(lost.amount, 0) as forfeited
   from unnest($6::uuid[]) named (grant_id)
   left join lateral (
     select e.grant_remaining from entries e
     where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id and e.version <= $4
       and e.grant_remaining is not null
     order by e.version desc, e.position desc limit 1
   ) base on true
   left join lateral (
     select count(*) as entries, sum(e.amount) filter (where e.booked_at <= $3) as amount
     from (
       select e.amount, e.booked_at from entries e
       where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id and e.version > $4 and e.version <= $5
         and e.grant_remaining is not null
       order by e.version, e.position limit ${FEW + 1}
     ) e
   ) few on true
   left join lateral (
     select sum(told.amount) as amount
     from (${toldOfGrant({ ...LATE, where: `few.entries > ${FEW}` }, 'named.grant_id')}) told
   ) many on true
   left join lateral (
     select -sum(e.amount) as amount from entries e
     where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id
       and e.version <= $5 and e.booked_at <= $3
       and e.grant_remaining is not null and e.kind in ('EXPIRE', 'EXPIRE_UNDONE', 'VOID')
   ) lost on true`,
);

/** By grant id. */
export async function grantTotals(
  connection: Connection,
  point: JournalPoint,
  grantIds: readonly string[],
): Promise<ReadonlyMap<string, GrantTotals>> {
  if (grantIds.length === 0) return new Map();
  const rows = await connection.run(GRANTS, [...parameters(point), grantIds.map(uuidOf)]);
  return new Map(
    rows.map(({ grant_id, remaining, forfeited }) => [idOf('grt', grant_id), { remaining, forfeited }]),
  );
}

const LATE_GRANTS = statement<{ grant_id: string }>(
  'late_grants_at',
  `select told.grant_id from (${toldOfGrants(LATE)}) told group by told.grant_id having sum(told.amount) <> 0`,
);

/**
 * The grants that hold more or less at the point's instant by what was recorded after it. One that held nothing by what
 * had been recorded then, and is not among them, holds nothing.
 */
export async function lateGrants(connection: Connection, point: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE_GRANTS, parameters(point));
  return rows.map((row) => idOf('grt', row.grant_id));
}

const LATE_DEBTORS = statement<{ charge_id: string }>(
  'late_debtors_at',
  `select distinct told.charge_id from (${chargesToldOf(LATE)}) told`,
);

/** The charges of whose advances facts told late, recorded after the point's instant and booked by it, say something. */
export async function lateDebtors(connection: Connection, point: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE_DEBTORS, parameters(point));
  return rows.map((row) => idOf('chg', row.charge_id));
}
