import type { Amount } from '../amount.ts';
import type { Charge } from '../credit/charge.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { JournalPoint } from '../ledger/history.ts';
import type { StoredCharge } from './charge-rows.ts';

type Row = { charge_id: string; amount: Amount; collected: Amount };

// A report counts from its recording on, a collection from its booked_at on (domain.md §9).
const STANDING_THEN = statement<Row>(
  'charges_standing_then',
  `select named.charge_id, reported.amount, collected.amount as collected
   from unnest($6::uuid[]) named (charge_id)
   join lateral (
     select e.amount from charge_events e
     where e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id and e.version <= $4
     order by e.version desc limit 1
   ) reported on true
   join lateral (
     select coalesce(sum(e.collected), 0) as amount from charge_events e
     where e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id and e.version <= $5 and e.booked_at <= $3
   ) collected on true`,
);

/** Charges that were open at a version with the totals and collections that count at the point; all of them open. */
export async function chargesAsKnown(
  connection: Connection,
  { shard, bookId, at, recordedBy, version }: JournalPoint,
  open: readonly StoredCharge[],
): Promise<readonly Charge[]> {
  if (open.length === 0) return [];
  const ids = open.map(({ charge }) => uuidOf(charge.id));
  const rows = await connection.run(STANDING_THEN, [shard, bookId, timestamp(at), recordedBy, version, ids]);
  const then = new Map(rows.map((row) => [idOf('chg', row.charge_id), row]));
  return open.flatMap(({ charge }) => {
    const row = then.get(charge.id);
    // One without events was never open: it was made and closed in one write.
    if (row === undefined) return [];
    return [
      { ...charge, amount: row.amount, collected: row.collected, status: 'OPEN' as const, closedAt: null },
    ];
  });
}
