import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { IS_SETTLED, type AccountType } from '../ledger/account.ts';
import type { PostingKind } from '../ledger/posting.ts';

/** An entry of a charge on the accounts its figures follow from: held credit, debt of advances, earnings. */
export type ChargedEntry = {
  readonly chargeId: string;
  readonly version: number;
  readonly position: number;
  readonly account: Extract<AccountType, 'CUSTOMER_FBO' | 'CUSTOMER_RECEIVABLE' | 'EARNINGS'>;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly bookedAt: Instant;
  /** The entry this one takes back, wholly or in part. */
  readonly reverses: { readonly version: number; readonly position: number } | null;
};

type Row = {
  charge_id: string;
  version: number;
  position: number;
  type: ChargedEntry['account'];
  kind: PostingKind;
  amount: Amount;
  grant_id: string | null;
  booked_at: Instant;
  reversed_version: number | null;
  reversed_position: number | null;
};

// One short index range per charge, whatever the statistics say of them.
const CHARGED = statement<Row>(
  'entries_of_charges',
  `select e.charge_id, e.version, e.position, s.type, e.kind, e.amount, e.grant_id, e.booked_at,
          e.reversed_version, e.reversed_position
   from unnest($3::uuid[]) named (charge_id)
   join lateral (
     select * from entries e where e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id offset 0
   ) e on true
   join lateral (
     select s.type, s.cost_basis from sub_accounts s
     where s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account offset 0
   ) s on ${IS_SETTLED} or s.type = 'EARNINGS'`,
);

/** By charge id. */
export async function entriesOfCharges(
  connection: Connection,
  { shard, id }: { readonly shard: number; readonly id: string },
  chargeIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ChargedEntry[]>> {
  const rows = await connection.run(CHARGED, [shard, id, chargeIds.map(uuidOf)]);
  return Map.groupBy(rows.map(read), ({ chargeId }) => chargeId);
}

const read = (row: Row): ChargedEntry => ({
  chargeId: idOf('chg', row.charge_id),
  version: row.version,
  position: row.position,
  account: row.type,
  kind: row.kind,
  amount: row.amount,
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  bookedAt: row.booked_at,
  reverses:
    row.reversed_version === null || row.reversed_position === null
      ? null
      : { version: row.reversed_version, position: row.reversed_position },
});
