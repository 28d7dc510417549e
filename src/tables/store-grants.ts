import type { Grant } from '../credit/grant.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import {
  bigint,
  boolean,
  jsonb,
  numeric,
  smallint,
  text,
  texts,
  timestamptz,
  uuid,
  type Column,
  type Columns,
} from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import type { Placed } from '../db/placement.ts';
import { uuidOf } from '../id.ts';
import type { StoredGrant } from './grant-rows.ts';

/** The only writer of `grants`. */

/** `drawnOnly`: nothing but the amounts of {@link drawn} has changed since it was loaded. */
export type OwnedGrant = Placed & { readonly stored: StoredGrant; readonly drawnOnly: boolean };

/** Whether drawing on it is all that has happened to a grant. */
export const isDrawnOnly = (before: Grant, after: Grant): boolean =>
  before.funding === after.funding &&
  before.phase === after.phase &&
  before.effectiveAt === after.effectiveAt &&
  before.expiresAt === after.expiresAt &&
  before.fundedAt === after.fundedAt &&
  before.bookedAt === after.bookedAt &&
  before.voidedAt === after.voidedAt &&
  before.voided === after.voided;

const key: Columns<OwnedGrant> = {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  id: uuid((own) => uuidOf(own.stored.grant.id)),
};

/** What drawing on a grant or giving back to it changes: all that most writes have to say of it. */
const drawn: Record<string, Column<OwnedGrant>> = {
  remaining: numeric((own) => own.stored.grant.remaining),
  recognized: numeric((own) => own.stored.grant.recognized),
  consumed: numeric((own) => own.stored.grant.consumed),
  expired: numeric((own) => own.stored.grant.expired),
  closed_version: bigint((own) => own.stored.closedVersion),
  span_class: smallint(({ stored: { version, closedVersion } }) =>
    closedVersion === null ? null : spanClass(version, closedVersion),
  ),
};

/** What a later write may change besides. */
const terms: Record<string, Column<OwnedGrant>> = {
  settlement_status: text((own) => own.stored.grant.funding.status),
  issued_at: timestamptz((own) => own.stored.grant.funding.issuedAt),
  authorized_at: timestamptz((own) => own.stored.grant.funding.authorizedAt),
  settled_at: timestamptz((own) => own.stored.grant.funding.settledAt),
  failed_at: timestamptz((own) => own.stored.grant.funding.failedAt),
  invoice_id: text((own) => own.stored.grant.funding.invoiceId),
  effective_at: timestamptz((own) => own.stored.grant.effectiveAt),
  expires_at: timestamptz((own) => own.stored.grant.expiresAt),
  funded_at: timestamptz((own) => own.stored.grant.fundedAt),
  phase: text((own) => own.stored.grant.phase),
  booked_at: timestamptz((own) => own.stored.grant.bookedAt),
  booked_version: bigint((own) => own.stored.bookedVersion),
  voided_at: timestamptz((own) => own.stored.grant.voidedAt),
  voided_version: bigint((own) => own.stored.voidedVersion),
  void_reason: text((own) => own.stored.grant.voidReason),
  released: boolean((own) => own.stored.grant.released),
  voided: numeric((own) => own.stored.grant.voided),
};

const insertGrants = bulkInsert<OwnedGrant>('grants', {
  ...key,
  version: bigint((own) => own.stored.version),
  recorded_at: timestamptz((own) => own.stored.grant.recordedAt),
  idempotency_key: text((own) => own.stored.grant.details.idempotencyKey),
  currency: text((own) => own.stored.grant.currency),
  amount: numeric((own) => own.stored.grant.amount),
  priority: smallint((own) => own.stored.grant.priority),
  feature_keys: texts((own) => own.stored.grant.featureKeys),
  tax_code: text((own) => own.stored.grant.tax?.code ?? null),
  tax_behavior: text((own) => own.stored.grant.tax?.behavior ?? null),
  name: text((own) => own.stored.grant.details.name),
  description: text((own) => own.stored.grant.details.description),
  labels: jsonb((own) => own.stored.grant.details.labels),
  funding_method: text((own) => own.stored.grant.funding.method),
  availability_policy: text((own) => own.stored.grant.funding.policy),
  purchase_currency: text((own) => own.stored.grant.funding.purchaseCurrency),
  cost_basis: numeric((own) => own.stored.grant.funding.costBasis),
  purchase_amount: numeric((own) => own.stored.grant.funding.purchaseAmount),
  purchase_precision: smallint((own) => own.stored.grant.funding.purchasePrecision),
  ...terms,
  ...drawn,
});

const updateGrants = bulkUpdate('update_grants', 'grants', ['shard', 'book_id', 'id'], {
  ...key,
  ...terms,
  ...drawn,
});
const drawOnGrants = bulkUpdate('draw_on_grants', 'grants', ['shard', 'book_id', 'id'], { ...key, ...drawn });

export const storeGrants = (
  connection: Connection,
  made: readonly OwnedGrant[],
  changed: readonly OwnedGrant[],
): readonly Promise<void>[] => [
  insertGrants(connection, made),
  updateGrants(
    connection,
    changed.filter(({ drawnOnly }) => !drawnOnly),
  ),
  drawOnGrants(
    connection,
    changed.filter(({ drawnOnly }) => drawnOnly),
  ),
];
