import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { IS_SETTLED } from './account.ts';
import { filterParameters, type MovementFilter } from './movements.ts';
import type { PostingKind } from './posting.ts';

/** A change of settled as it was booked: one side of a transaction. */
export type SettledEntry = {
  readonly at: Instant;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Whether it changes what remains of its grant; otherwise it changes an advance. */
  readonly ofCredit: boolean;
};

type Row = {
  booked_at: Instant;
  kind: PostingKind;
  currency: string;
  amount: Amount;
  grant_id: string | null;
  charge_id: string | null;
  of_credit: boolean;
};

// Entries have no index by instant: their transactions say in which versions they are, and each version is read once.
const WITHIN = statement<Row>(
  'settled_entries_within',
  `select e.booked_at, e.kind, s.currency, e.amount, e.grant_id, e.charge_id,
          e.grant_remaining is not null as of_credit
   from (
     select distinct t.version from transactions t
     where t.shard = $1 and t.book_id = $2 and t.version <= $3 and t.booked_at > $6 and t.booked_at <= $7
   ) v
   join lateral (
     select * from entries e
     where e.shard = $1 and e.book_id = $2 and e.version = v.version and e.booked_at > $6 and e.booked_at <= $7
     offset 0
   ) e on true
   join sub_accounts s on s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account
   where ${IS_SETTLED}
     and ($5::text is null or s.currency = $5)
     and ($4::text[] is null or s.feature_keys = '{}' or s.feature_keys && $4)
   order by e.booked_at, e.version, e.position`,
);

/** The entries that settled in the filter's scope changes by, booked after one instant and by another, in order. */
export async function settledEntriesWithin(
  connection: Connection,
  filter: MovementFilter,
  after: Instant,
  through: Instant,
): Promise<readonly SettledEntry[]> {
  const params = [...filterParameters(filter), timestamp(after), timestamp(through)];
  const rows = await connection.run(WITHIN, params);
  return rows.map((row) => ({
    at: row.booked_at,
    kind: row.kind,
    currency: row.currency,
    amount: row.amount,
    grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
    chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
    ofCredit: row.of_credit,
  }));
}
