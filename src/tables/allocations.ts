import type { Allocation } from '../credit/charge.ts';
import { as, bigint, id, integer, inKey, numeric, text, timestamptz, columnSet } from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import { tableOf, type Owned } from '../db/table.ts';

/** The only reader and writer of `allocations`: each split as it happened, so corrections read instead of recompute. */

/** What corrections and recognition move. */
const moved = columnSet();

export const ALLOCATIONS = tableOf<Allocation>('allocations', {
  chargeId: inKey(id('chg')),
  ref: { version: inKey(bigint), position: inKey(integer) },
  collection: integer,
  kind: text,
  grantId: id('grt'),
  amount: numeric,
  at: as('booked_at', timestamptz),
  returned: moved(numeric),
  recognized: moved(numeric),
});

/** Every split of some charges. */
export const loadAllocations = ALLOCATIONS.finderById('allocations_of_charges', 'charge_id', 'chargeId');

/** What is accrued in some books and not yet recognized as revenue. */
export const loadAccrued = ALLOCATIONS.finder('accrued_allocations', 'r.returned + r.recognized < r.amount');

const updateAllocations = ALLOCATIONS.update('update_allocations', [moved]);

export const storeAllocations = (
  connection: Connection,
  made: readonly Owned<Allocation>[],
  changed: readonly Owned<Allocation>[],
): readonly Promise<void>[] => [ALLOCATIONS.insert(connection, made), updateAllocations(connection, changed)];
