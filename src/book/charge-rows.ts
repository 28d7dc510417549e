import { formatAmount, type Amount } from '../amount.ts';
import type { Advance, Allocation, Charge } from '../credit/charge.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** The only reader and writer of `charges`, `advances` and `allocations`. */

export type AdvanceRow = {
  book_id: string;
  charge_id: string;
  collection: number;
  version: number;
  currency: string;
  feature_key: string | null;
  tax_code: string | null;
  tax_behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null;
  amount: Amount;
  uncovered: Amount;
  booked_at: Instant;
};

export const ADVANCE_COLUMNS = `a.book_id, a.charge_id, a.collection, a.version, a.currency, a.feature_key, a.tax_code,
  a.tax_behavior, a.amount, a.uncovered, a.booked_at`;

export const readAdvance = (row: AdvanceRow): Advance => ({
  chargeId: idOf('chg', row.charge_id),
  collection: row.collection,
  currency: row.currency,
  featureKey: row.feature_key,
  tax: row.tax_code === null ? null : { code: row.tax_code, behavior: row.tax_behavior },
  amount: row.amount,
  uncovered: row.uncovered,
  at: row.booked_at,
  version: row.version,
});

const OPEN_ADVANCES = statement<AdvanceRow>(
  'open_advances',
  `select ${ADVANCE_COLUMNS} from advances a
   where a.shard = $1 and a.book_id = any($2::uuid[]) and a.closed_version is null`,
);

export const loadOpenAdvances = (
  connection: Connection,
  shard: number,
  bookIds: readonly string[],
): Promise<AdvanceRow[]> => connection.run(OPEN_ADVANCES, [shard, bookIds]);

const insertCharges = bulkInsert('charges', {
  shard: 'smallint',
  book_id: 'uuid',
  id: 'uuid',
  version: 'bigint',
  recorded_at: 'timestamptz',
  idempotency_key: 'text',
  type: 'text',
  settlement_mode: 'text',
  currency: 'text',
  amount: 'numeric',
  feature_key: 'text',
  tax_code: 'text',
  tax_behavior: 'text',
  name: 'text',
  description: 'text',
  labels: 'jsonb',
  starts_at: 'timestamptz',
  status: 'text',
  collected: 'numeric',
  advanced: 'numeric',
  invoiced: 'numeric',
});

const ADVANCE_KEY = { shard: 'smallint', book_id: 'uuid', charge_id: 'uuid', collection: 'integer' } as const;
const ADVANCE_STANDING = { uncovered: 'numeric', closed_version: 'bigint', span_class: 'smallint' } as const;

const insertAdvances = bulkInsert('advances', {
  ...ADVANCE_KEY,
  version: 'bigint',
  currency: 'text',
  feature_key: 'text',
  tax_code: 'text',
  tax_behavior: 'text',
  amount: 'numeric',
  booked_at: 'timestamptz',
  ...ADVANCE_STANDING,
});

const updateAdvances = bulkUpdate(
  'update_advances',
  'advances',
  ['shard', 'book_id', 'charge_id', 'collection'],
  { ...ADVANCE_KEY, ...ADVANCE_STANDING },
);

const insertAllocations = bulkInsert('allocations', {
  shard: 'smallint',
  book_id: 'uuid',
  charge_id: 'uuid',
  version: 'bigint',
  position: 'integer',
  collection: 'integer',
  kind: 'text',
  grant_id: 'uuid',
  amount: 'numeric',
  booked_at: 'timestamptz',
});

type Owned<T> = T & { readonly bookId: string };
export type MadeCharge = Owned<{ readonly charge: Charge; readonly version: number }>;
/** `closedVersion`: the version that covered the last of it; null while some of it is uncovered. */
export type StoredAdvance = Owned<{ readonly advance: Advance; readonly closedVersion: number | null }>;
export type MadeAllocation = Owned<{
  readonly allocation: Allocation;
  readonly version: number;
  readonly position: number;
}>;

export type ChargeChanges = {
  readonly made: readonly MadeCharge[];
  readonly madeAdvances: readonly StoredAdvance[];
  readonly changedAdvances: readonly StoredAdvance[];
  readonly allocations: readonly MadeAllocation[];
};

export const storeCharges = (
  connection: Connection,
  shard: number,
  { made, madeAdvances, changedAdvances, allocations }: ChargeChanges,
): readonly Promise<void>[] => [
  insertCharges(
    connection,
    made.map(({ bookId, charge, version }) => ({
      ...{
        shard,
        book_id: bookId,
        id: uuidOf(charge.id),
        version,
        idempotency_key: charge.details.idempotencyKey,
      },
      ...{
        recorded_at: timestamp(charge.recordedAt),
        starts_at: timestamp(charge.startsAt),
        status: charge.status,
      },
      ...{
        type: charge.type,
        settlement_mode: charge.mode,
        currency: charge.currency,
        feature_key: charge.featureKey,
      },
      ...{ tax_code: charge.tax?.code ?? null, tax_behavior: charge.tax?.behavior ?? null },
      ...{ name: charge.details.name, description: charge.details.description },
      labels: JSON.stringify(charge.details.labels),
      ...{ amount: formatAmount(charge.amount), collected: formatAmount(charge.collected) },
      ...{ advanced: formatAmount(charge.advanced), invoiced: formatAmount(charge.invoiced) },
    })),
  ),
  insertAdvances(
    connection,
    madeAdvances.map((own) => ({
      ...advanceKeyOf(shard, own),
      ...{
        version: own.advance.version,
        currency: own.advance.currency,
        feature_key: own.advance.featureKey,
      },
      ...{ tax_code: own.advance.tax?.code ?? null, tax_behavior: own.advance.tax?.behavior ?? null },
      ...{ amount: formatAmount(own.advance.amount), booked_at: timestamp(own.advance.at) },
      ...advanceStanding(own),
    })),
  ),
  updateAdvances(
    connection,
    changedAdvances.map((own) => ({ ...advanceKeyOf(shard, own), ...advanceStanding(own) })),
  ),
  insertAllocations(
    connection,
    allocations.map(({ bookId, allocation, version, position }) => ({
      ...{ shard, book_id: bookId, charge_id: uuidOf(allocation.chargeId), version, position },
      ...{ collection: allocation.collection, kind: allocation.kind, grant_id: uuidOf(allocation.grantId) },
      ...{ amount: formatAmount(allocation.amount), booked_at: timestamp(allocation.at) },
    })),
  ),
];

const advanceKeyOf = (
  shard: number,
  { bookId, advance }: StoredAdvance,
): Record<keyof typeof ADVANCE_KEY, unknown> => ({
  shard,
  book_id: bookId,
  charge_id: uuidOf(advance.chargeId),
  collection: advance.collection,
});

const advanceStanding = (own: StoredAdvance): Record<keyof typeof ADVANCE_STANDING, unknown> => ({
  uncovered: formatAmount(own.advance.uncovered),
  closed_version: own.closedVersion,
  span_class: own.closedVersion === null ? null : spanClass(own.advance.version, own.closedVersion),
});
