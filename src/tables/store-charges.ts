import type { Amount } from '../amount.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import {
  bigint,
  integer,
  jsonb,
  numeric,
  smallint,
  text,
  timestamptz,
  uuid,
  type Column,
  type Columns,
} from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import type { Placed } from '../db/placement.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { StoredCharge } from './charge-rows.ts';

/** The only writer of `charges` and `charge_events`. */

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
  /** Of the last usage report that had one. */
  readonly sequence: number | null;
};

const key: Columns<OwnedCharge> = {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  id: uuid((own) => uuidOf(own.stored.charge.id)),
};

/** What a later write may change. */
const standing: Record<string, Column<OwnedCharge>> = {
  amount: numeric((own) => own.stored.charge.amount),
  status: text((own) => own.stored.charge.status),
  closed_at: timestamptz((own) => own.stored.charge.closedAt),
  sequence: bigint((own) => own.stored.charge.sequence),
  collections: integer((own) => own.stored.charge.collections),
  collected: numeric((own) => own.stored.charge.collected),
  advanced: numeric((own) => own.stored.charge.advanced),
  invoiced: numeric((own) => own.stored.charge.invoiced),
  closed_version: bigint((own) => own.stored.closedVersion),
  span_class: smallint(({ stored: { charge, closedVersion } }) =>
    closedVersion === null ? null : spanClass(charge.version, closedVersion),
  ),
};

const insertCharges = bulkInsert<OwnedCharge>('charges', {
  ...key,
  version: bigint((own) => own.stored.charge.version),
  recorded_at: timestamptz((own) => own.stored.charge.recordedAt),
  idempotency_key: text((own) => own.stored.charge.details.idempotencyKey),
  type: text((own) => own.stored.charge.type),
  settlement_mode: text((own) => own.stored.charge.mode),
  currency: text((own) => own.stored.charge.currency),
  precision: smallint((own) => own.stored.charge.precision),
  feature_key: text((own) => own.stored.charge.featureKey),
  tax_code: text((own) => own.stored.charge.tax?.code ?? null),
  tax_behavior: text((own) => own.stored.charge.tax?.behavior ?? null),
  name: text((own) => own.stored.charge.details.name),
  description: text((own) => own.stored.charge.details.description),
  labels: jsonb((own) => own.stored.charge.details.labels),
  starts_at: timestamptz((own) => own.stored.charge.startsAt),
  hold_expires_at: timestamptz((own) => own.stored.charge.holdExpiresAt),
  ...standing,
});

const updateCharges = bulkUpdate('update_charges', 'charges', ['shard', 'book_id', 'id'], {
  ...key,
  ...standing,
});

const insertEvents = bulkInsert<ChargeEvent>('charge_events', {
  shard: smallint((event) => event.shard),
  book_id: uuid((event) => event.bookId),
  charge_id: uuid((event) => uuidOf(event.chargeId)),
  version: bigint((event) => event.version),
  amount: numeric((event) => event.amount),
  collected: numeric((event) => event.collected),
  booked_at: timestamptz((event) => event.bookedAt),
  sequence: bigint((event) => event.sequence),
});

export const storeCharges = (
  connection: Connection,
  made: readonly OwnedCharge[],
  changed: readonly OwnedCharge[],
  events: readonly ChargeEvent[],
): readonly Promise<void>[] => [
  insertCharges(connection, made),
  updateCharges(connection, changed),
  insertEvents(connection, events),
];
