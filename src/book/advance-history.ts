import { sumAmounts, type Amount } from '../amount.ts';
import { advanceKey, type Advance } from '../credit/charge.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { idOf } from '../id.ts';
import { KNOWN_BOOK, POINT, type JournalPoint } from '../ledger/as-of.ts';
import { lateDebtors } from '../ledger/late-entries.ts';
import { advancesOf } from '../tables/advances.ts';
import { advancesOpenThen } from './open-then.ts';

type SettledUp = { charge_id: string; collection: number; amount: Amount };

const p = parameters({ ...KNOWN_BOOK, asOf: 'timestamptz', chargeIds: 'uuid[]' });
const named = (a: 'a' | 'r'): string => `
  ${a}.shard = ${p.shard} and ${a}.book_id = ${p.bookId} and ${a}.charge_id = any(${p.chargeIds})
  and ${a}.version <= ${p.version} and ${a}.booked_at <= ${p.asOf}`;

const SETTLED_UP = statement<SettledUp>(
  'advances_settled_up',
  `select a.charge_id, a.collection, a.amount from allocations a
   where ${named('a')} and a.kind = 'COVER'
   union all
   select r.charge_id, r.collection, r.amount from reductions r
   where ${named('r')}`,
);

/** Advances with what of them nobody had covered or reduced by the point, as known. */
export async function advancesAsKnown(
  connection: Connection,
  then: Omit<JournalPoint, 'recordedBy'>,
  advances: readonly Advance[],
): Promise<readonly Advance[]> {
  if (advances.length === 0) return [];
  const chargeIds = advances.map(({ chargeId }) => chargeId);
  const rows = await connection.run(SETTLED_UP, bind(p, then, { chargeIds }));
  const settledUp = Map.groupBy(rows, ({ charge_id, collection }) =>
    advanceKey({ chargeId: idOf('chg', charge_id), collection }),
  );
  return advances.map((advance) => {
    const settled = settledUp.get(advanceKey(advance)) ?? [];
    return { ...advance, uncovered: advance.amount - sumAmounts(settled.map(({ amount }) => amount)) };
  });
}

const point = parameters(POINT);
const LATE_DEBTORS = statement<{ charge_id: string }>(
  'late_debtors_at',
  `select distinct late.charge_id from (${lateDebtors(point)}) late`,
);

/** The charges of whose advances late entries say something. */
export async function lateDebtorsAt(connection: Connection, then: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE_DEBTORS, bind(point, then));
  return rows.map((row) => idOf('chg', row.charge_id));
}

/** The advances owed at a past point: those open when it was recorded, and those that late entries say something of. */
export async function advancesThen(connection: Connection, then: JournalPoint): Promise<readonly Advance[]> {
  const [open, debtors] = await awaitAll([
    advancesOpenThen(connection, { ...then, version: then.recordedBy }),
    lateDebtorsAt(connection, then),
  ]);
  const late = await advancesOf(connection, then, debtors);
  const known = late.filter(({ at, entry }) => at <= then.asOf && entry.version <= then.version);
  const made = new Map([...open, ...known].map((advance) => [advanceKey(advance), advance]));
  const advances = await advancesAsKnown(connection, then, [...made.values()]);
  return advances.filter(({ uncovered }) => uncovered > 0n);
}
