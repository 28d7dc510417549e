import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { CLASSES, latestMissedStarts } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { IS_SETTLED } from './account.ts';

/**
 * What the journal says at an instant as known at a version. Running totals stand in version order, so
 *
 *   sum(T, V) = running total at v(T) + Σ late entries with v(T) < version ≤ V and booked_at ≤ T
 *
 * where v(T) is the last version recorded at or before T (at most V). Two index probes per sub-account and the few
 * late entries that straddle T, whatever the length of history. Valid up to the instant V was recorded at: what falls
 * due later is not in the journal yet.
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

// Told late: booked at or before T, recorded after it; one short range per class of lateness (src/db/span.ts).
const LATE = `
  late as materialized (
    select e.* from unnest($6::smallint[], $7::timestamptz[]) c (class, missed)
    join lateral (
      select * from entries e
      where e.shard = $1 and e.book_id = $2 and e.late_class = c.class
        and e.booked_at > c.missed and e.booked_at <= $3
        and e.version > $4 and e.version <= $5
      offset 0
    ) e on true
  )`;

const parameters = ({ shard, bookId, at, recordedBy, version }: JournalPoint): readonly unknown[] => [
  shard,
  bookId,
  timestamp(at),
  recordedBy,
  version,
  CLASSES,
  latestMissedStarts(at).map(timestamp),
];

export type SettledTotal = {
  readonly currency: string;
  readonly featureKeys: readonly string[];
  readonly amount: Amount;
};
type SettledRow = { currency: string; feature_keys: string[]; amount: Amount };

const SETTLED = statement<SettledRow>(
  'settled_at',
  `with ${LATE}
   select s.currency, s.feature_keys, sum(coalesce(base.running_total, 0) + coalesce(more.amount, 0)) as amount
   from sub_accounts s
   left join lateral (
     select e.running_total from entries e
     where e.shard = $1 and e.book_id = $2 and e.sub_account = s.ordinal and e.version <= $4
     order by e.version desc, e.position desc limit 1
   ) base on true
   left join (select sub_account, sum(amount) as amount from late group by sub_account) more
     on more.sub_account = s.ordinal
   where s.shard = $1 and s.book_id = $2
     and ${IS_SETTLED}
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

const FORFEITS = `('EXPIRE', 'EXPIRE_UNDONE', 'VOID')`;

const GRANTS = statement<GrantRow>(
  'grants_at',
  `with ${LATE}
   select named.grant_id,
          coalesce(base.grant_remaining, 0) + coalesce(more.amount, 0) as remaining,
          coalesce(lost.amount, 0) - coalesce(more.forfeits, 0) as forfeited
   from unnest($8::uuid[]) named (grant_id)
   left join lateral (
     select e.grant_remaining from entries e
     where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id and e.version <= $4
       and e.grant_remaining is not null
     order by e.version desc, e.position desc limit 1
   ) base on true
   left join lateral (
     select -sum(e.amount) as amount from entries e
     where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id and e.version <= $4
       and e.grant_remaining is not null and e.kind in ${FORFEITS}
   ) lost on true
   left join (
     select grant_id, sum(amount) as amount, sum(amount) filter (where kind in ${FORFEITS}) as forfeits
     from late where grant_remaining is not null group by grant_id
   ) more on more.grant_id = named.grant_id`,
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
  `with ${LATE} select distinct grant_id from late where grant_remaining is not null`,
);

/** The grants that facts told late, recorded after the point's instant and booked by it, say something of. */
export async function lateGrants(connection: Connection, point: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE_GRANTS, parameters(point));
  return rows.map((row) => idOf('grt', row.grant_id));
}

const LATE_DEBTORS = statement<{ charge_id: string }>(
  'late_debtors_at',
  `with ${LATE}
   select distinct late.charge_id from late
   join sub_accounts s on s.shard = $1 and s.book_id = $2 and s.ordinal = late.sub_account
   where late.grant_remaining is null and late.charge_id is not null and ${IS_SETTLED}`,
);

/** The charges whose advances facts told late say something of, as {@link lateGrants} of grants. */
export async function lateDebtors(connection: Connection, point: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE_DEBTORS, parameters(point));
  return rows.map((row) => idOf('chg', row.charge_id));
}
