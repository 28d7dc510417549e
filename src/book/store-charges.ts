import { formatAmount, type Amount } from '../amount.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import type { Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import type { Placed } from '../db/placement.ts';
import { optional, timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { StoredCharge } from './charge-rows.ts';

/** The only writer of `charges` and `charge_events`. */

const KEY = { shard: 'smallint', book_id: 'uuid', id: 'uuid' } as const;
const FACTS = {
  version: 'bigint',
  recorded_at: 'timestamptz',
  idempotency_key: 'text',
  type: 'text',
  settlement_mode: 'text',
  currency: 'text',
  precision: 'smallint',
  feature_key: 'text',
  tax_code: 'text',
  tax_behavior: 'text',
  name: 'text',
  description: 'text',
  labels: 'jsonb',
  starts_at: 'timestamptz',
  hold_expires_at: 'timestamptz',
} as const;
/** What a later write may change. */
const STANDING = {
  amount: 'numeric',
  status: 'text',
  closed_at: 'timestamptz',
  sequence: 'bigint',
  collections: 'integer',
  collected: 'numeric',
  advanced: 'numeric',
  invoiced: 'numeric',
  closed_version: 'bigint',
  span_class: 'smallint',
} as const;

const insertCharges = bulkInsert('charges', { ...KEY, ...FACTS, ...STANDING });
const updateCharges = bulkUpdate('update_charges', 'charges', ['shard', 'book_id', 'id'], {
  ...KEY,
  ...STANDING,
});
const insertEvents = bulkInsert('charge_events', {
  shard: 'smallint',
  book_id: 'uuid',
  charge_id: 'uuid',
  version: 'bigint',
  amount: 'numeric',
  collected: 'numeric',
  booked_at: 'timestamptz',
});

export type OwnedCharge = Placed & { readonly stored: StoredCharge };

/** What one write did to a charge that weighs, or may, on live. */
export type ChargeEvent = Placed & {
  readonly chargeId: string;
  readonly version: number;
  /** The total from this version on. */
  readonly amount: Amount;
  /** What it collected; below zero: gave back. */
  readonly collected: Amount;
  /** From when on the collected part counts. */
  readonly bookedAt: Instant;
};

export const storeCharges = (
  connection: Connection,
  made: readonly OwnedCharge[],
  changed: readonly OwnedCharge[],
  events: readonly ChargeEvent[],
): readonly Promise<void>[] => [
  insertCharges(
    connection,
    made.map((own) => ({ ...key(own), ...facts(own.stored), ...standing(own.stored) })),
  ),
  updateCharges(
    connection,
    changed.map((own) => ({ ...key(own), ...standing(own.stored) })),
  ),
  insertEvents(
    connection,
    events.map(({ shard, bookId, chargeId, version, amount, collected, bookedAt }) => ({
      shard,
      book_id: bookId,
      charge_id: uuidOf(chargeId),
      version,
      amount: formatAmount(amount),
      collected: formatAmount(collected),
      booked_at: timestamp(bookedAt),
    })),
  ),
];

const key = ({ shard, bookId, stored: { charge } }: OwnedCharge): Record<keyof typeof KEY, unknown> => ({
  shard,
  book_id: bookId,
  id: uuidOf(charge.id),
});

const facts = ({ charge }: StoredCharge): Record<keyof typeof FACTS, unknown> => ({
  version: charge.version,
  recorded_at: timestamp(charge.recordedAt),
  idempotency_key: charge.details.idempotencyKey,
  type: charge.type,
  settlement_mode: charge.mode,
  currency: charge.currency,
  precision: charge.precision,
  feature_key: charge.featureKey,
  tax_code: charge.tax?.code ?? null,
  tax_behavior: charge.tax?.behavior ?? null,
  name: charge.details.name,
  description: charge.details.description,
  labels: JSON.stringify(charge.details.labels),
  starts_at: timestamp(charge.startsAt),
  hold_expires_at: timestamp(charge.holdExpiresAt),
});

const standing = ({ charge, closedVersion }: StoredCharge): Record<keyof typeof STANDING, unknown> => ({
  amount: formatAmount(charge.amount),
  status: charge.status,
  closed_at: optional(charge.closedAt),
  sequence: charge.sequence,
  collections: charge.collections,
  collected: formatAmount(charge.collected),
  advanced: formatAmount(charge.advanced),
  invoiced: formatAmount(charge.invoiced),
  closed_version: closedVersion,
  span_class: closedVersion === null ? null : spanClass(charge.version, closedVersion),
});
