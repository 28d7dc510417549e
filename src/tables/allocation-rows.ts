import type { Amount } from '../amount.ts';
import type { Allocation } from '../credit/charge.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import {
  bigint,
  integer,
  numeric,
  smallint,
  text,
  timestamptz,
  uuid,
  type Column,
  type Columns,
} from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { booksOnce, eachOnce, ofNamed, placesOf, type Placed } from '../db/placement.ts';
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
export async function loadAllocations(
  connection: Connection,
  named: readonly (Placed & { readonly chargeId: string })[],
): Promise<AllocationRow[]> {
  if (named.length === 0) return [];
  const charges = eachOnce(named, ({ chargeId }) => chargeId);
  return connection.run(OF_CHARGES, [...placesOf(charges), charges.map((n) => uuidOf(n.chargeId))]);
}

const ACCRUED = statement<AllocationRow>(
  'accrued_allocations',
  `select ${ALLOCATION_COLUMNS} from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('allocations', 'a', 'a.returned + a.recognized < a.amount')}`,
);

/** What is accrued in some books and not yet recognized as revenue. */
export const loadAccrued = async (
  connection: Connection,
  books: readonly Placed[],
): Promise<AllocationRow[]> =>
  books.length === 0 ? [] : connection.run(ACCRUED, placesOf(booksOnce(books)));

export type OwnedAllocation = Placed & { readonly allocation: Allocation };

const key: Columns<OwnedAllocation> = {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  charge_id: uuid((own) => uuidOf(own.allocation.chargeId)),
  version: bigint((own) => own.allocation.ref.version),
  position: integer((own) => own.allocation.ref.position),
};

/** What corrections and recognition move. */
const moves: Record<string, Column<OwnedAllocation>> = {
  returned: numeric((own) => own.allocation.returned),
  recognized: numeric((own) => own.allocation.recognized),
};

const insertAllocations = bulkInsert<OwnedAllocation>('allocations', {
  ...key,
  collection: integer((own) => own.allocation.collection),
  kind: text((own) => own.allocation.kind),
  grant_id: uuid((own) => uuidOf(own.allocation.grantId)),
  amount: numeric((own) => own.allocation.amount),
  booked_at: timestamptz((own) => own.allocation.at),
  ...moves,
});

const updateAllocations = bulkUpdate(
  'update_allocations',
  'allocations',
  ['shard', 'book_id', 'charge_id', 'version', 'position'],
  { ...key, ...moves },
);

export const storeAllocations = (
  connection: Connection,
  made: readonly OwnedAllocation[],
  changed: readonly OwnedAllocation[],
): readonly Promise<void>[] => [insertAllocations(connection, made), updateAllocations(connection, changed)];
