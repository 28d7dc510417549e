import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { ENTRIES_OF_TRANSACTION, filterParameters, IN_SCOPE, type MovementFilter } from './movements.ts';
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

// By transaction: what was booked in a span may have been recorded at any time since, and what was recorded in it may
// have been booked at any time before.
const WITHIN = statement<Row>(
  'settled_entries_within',
  `select t.booked_at, e.kind, s.currency, e.amount, e.grant_id, e.charge_id,
          e.grant_remaining is not null as of_credit
   from (
     select * from transactions t
     where t.shard = $1 and t.book_id = $2 and t.booked_at > $6 and t.booked_at <= $7 and t.version <= $3
     offset 0
   ) t
   join lateral (${ENTRIES_OF_TRANSACTION} offset 0) e on true
   -- looked up entry by entry: the other way round the entries would be read once for each sub-account
   cross join lateral (
     select * from sub_accounts s where s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account offset 0
   ) s
   where ${IN_SCOPE}
   order by t.booked_at, t.version, e.position`,
);

/** A span of time. */
export type Span = {
  /** Exclusive. */
  readonly after: Instant;
  /** Inclusive. */
  readonly through: Instant;
};

/** The entries that settled in the filter's scope changes by within a span of the past, in order of time. */
export async function settledEntriesWithin(
  connection: Connection,
  filter: MovementFilter,
  { after, through }: Span,
): Promise<readonly SettledEntry[]> {
  const rows = await connection.run(WITHIN, [
    ...filterParameters(filter),
    ...[timestamp(after), timestamp(through)],
  ]);
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
