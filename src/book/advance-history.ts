import { sumAmounts, type Amount } from '../amount.ts';
import { advanceKey, type Advance } from '../credit/charge.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import { lateDebtors, type JournalPoint } from '../ledger/history.ts';
import { loadAdvancesOf, readAdvance } from '../tables/advance-rows.ts';
import { advancesOpenThen } from './open-then.ts';

type SettledUp = { charge_id: string; collection: number; amount: Amount };

const SETTLED_UP = statement<SettledUp>(
  'advances_settled_up',
  `select a.charge_id, a.collection, a.amount from allocations a
   where a.shard = $1 and a.book_id = $2 and a.charge_id = any($4::uuid[]) and a.version <= $3 and a.kind = 'COVER'
     and a.booked_at <= $5
   union all
   select r.charge_id, r.collection, r.amount from reductions r
   where r.shard = $1 and r.book_id = $2 and r.charge_id = any($4::uuid[]) and r.version <= $3 and r.booked_at <= $5`,
);

/** Advances with what of them nobody had covered or reduced by the point, as known. */
export async function advancesAsKnown(
  connection: Connection,
  { shard, bookId, at, version }: Omit<JournalPoint, 'recordedBy'>,
  advances: readonly Advance[],
): Promise<readonly Advance[]> {
  if (advances.length === 0) return [];
  const charges = advances.map(({ chargeId }) => uuidOf(chargeId));
  const rows = await connection.run(SETTLED_UP, [shard, bookId, version, charges, timestamp(at)]);
  const settledUp = Map.groupBy(rows, ({ charge_id, collection }) =>
    advanceKey({ chargeId: idOf('chg', charge_id), collection }),
  );
  return advances.map((advance) => {
    const settled = settledUp.get(advanceKey(advance)) ?? [];
    return { ...advance, uncovered: advance.amount - sumAmounts(settled.map(({ amount }) => amount)) };
  });
}

/** The advances owed at a past point: those open when it was recorded, and those told late. */
export async function advancesThen(connection: Connection, point: JournalPoint): Promise<readonly Advance[]> {
  const { shard, bookId, recordedBy } = point;
  const [open, debtors] = await settleAll([
    advancesOpenThen(connection, { shard, bookId, version: recordedBy }),
    lateDebtors(connection, point),
  ]);
  const late = (await loadAdvancesOf(connection, { shard, bookId }, debtors)).map(readAdvance);
  const made = new Map(
    [...open, ...late.filter(({ at, entry }) => at <= point.at && entry.version <= point.version)].map(
      (advance) => [advanceKey(advance), advance],
    ),
  );
  const then = await advancesAsKnown(connection, point, [...made.values()]);
  return then.filter(({ uncovered }) => uncovered > 0n);
}
