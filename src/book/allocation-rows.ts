import { formatAmount, type Amount } from '../amount.ts';
import type { Allocation } from '../credit/charge.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** The only reader and writer of `allocations`: each split as it happened, so corrections read instead of recompute. */

export type AllocationRow = {
  book_id: string;
  charge_id: string;
  version: number;
  position: number;
  collection: number;
  kind: Allocation['kind'];
  grant_id: string;
  amount: Amount;
  booked_at: Instant;
  returned: Amount;
  recognized: Amount;
};

export const ALLOCATION_COLUMNS = `a.book_id, a.charge_id, a.version, a.position, a.collection, a.kind, a.grant_id, a.amount,
  a.booked_at, a.returned, a.recognized`;

export const readAllocation = (row: AllocationRow): Allocation => ({
  ref: { version: row.version, position: row.position },
  chargeId: idOf('chg', row.charge_id),
  collection: row.collection,
  kind: row.kind,
  grantId: idOf('grt', row.grant_id),
  amount: row.amount,
  at: row.booked_at,
  returned: row.returned,
  recognized: row.recognized,
});

const OF_CHARGES = statement<AllocationRow>(
  'allocations_of_charges',
  `select ${ALLOCATION_COLUMNS} from unnest($1::smallint[], $2::uuid[], $4::uuid[]) named (shard, book_id, charge_id)
   ${ofNamed('allocations', 'a', 'a.charge_id = named.charge_id')}`,
);

/** Every split of some charges. */
export const loadAllocations = async (
  connection: Connection,
  named: readonly (Placed & { readonly chargeId: string })[],
): Promise<AllocationRow[]> =>
  named.length === 0
    ? []
    : connection.run(OF_CHARGES, [...placesOf(named), named.map((n) => uuidOf(n.chargeId))]);

const ACCRUED = statement<AllocationRow>(
  'accrued_allocations',
  `select ${ALLOCATION_COLUMNS} from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('allocations', 'a', 'a.returned + a.recognized < a.amount')}`,
);

/** What is accrued in some books and not yet recognized as revenue. */
export const loadAccrued = async (
  connection: Connection,
  books: readonly Placed[],
): Promise<AllocationRow[]> => (books.length === 0 ? [] : connection.run(ACCRUED, placesOf(books)));

const KEY = {
  shard: 'smallint',
  book_id: 'uuid',
  charge_id: 'uuid',
  version: 'bigint',
  position: 'integer',
} as const;
const MOVES = { returned: 'numeric', recognized: 'numeric' } as const;

const insertAllocations = bulkInsert('allocations', {
  ...KEY,
  collection: 'integer',
  kind: 'text',
  grant_id: 'uuid',
  amount: 'numeric',
  booked_at: 'timestamptz',
  ...MOVES,
});

const updateAllocations = bulkUpdate(
  'update_allocations',
  'allocations',
  ['shard', 'book_id', 'charge_id', 'version', 'position'],
  { ...KEY, ...MOVES },
);

export type OwnedAllocation = Placed & { readonly allocation: Allocation };

export const storeAllocations = (
  connection: Connection,
  made: readonly OwnedAllocation[],
  changed: readonly OwnedAllocation[],
): readonly Promise<void>[] => [
  insertAllocations(
    connection,
    made.map((own) => ({
      ...keyOf(own),
      collection: own.allocation.collection,
      kind: own.allocation.kind,
      grant_id: uuidOf(own.allocation.grantId),
      amount: formatAmount(own.allocation.amount),
      booked_at: timestamp(own.allocation.at),
      ...moves(own),
    })),
  ),
  updateAllocations(
    connection,
    changed.map((own) => ({ ...keyOf(own), ...moves(own) })),
  ),
];

const keyOf = ({ shard, bookId, allocation }: OwnedAllocation): Record<keyof typeof KEY, unknown> => ({
  shard,
  book_id: bookId,
  charge_id: uuidOf(allocation.chargeId),
  ...allocation.ref,
});

const moves = ({ allocation }: OwnedAllocation): Record<keyof typeof MOVES, unknown> => ({
  returned: formatAmount(allocation.returned),
  recognized: formatAmount(allocation.recognized),
});
