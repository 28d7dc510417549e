import { formatAmount } from '../amount.ts';
import type { Grant } from '../credit/grant.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import type { Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import type { Placed } from '../db/placement.ts';
import { optional, timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { StoredGrant } from './grant-rows.ts';

/** The only writer of `grants`. */

const KEY = { shard: 'smallint', book_id: 'uuid', id: 'uuid' } as const;

/** What drawing on a grant or giving back to it changes: all that most writes have to say of it. */
const DRAWN = {
  remaining: 'numeric',
  consumed: 'numeric',
  expired: 'numeric',
  closed_version: 'bigint',
  span_class: 'smallint',
} as const;

/** What a later write may change besides. */
const TERMS = {
  settlement_status: 'text',
  issued_at: 'timestamptz',
  authorized_at: 'timestamptz',
  settled_at: 'timestamptz',
  failed_at: 'timestamptz',
  invoice_id: 'text',
  effective_at: 'timestamptz',
  expires_at: 'timestamptz',
  funded_at: 'timestamptz',
  phase: 'text',
  booked_at: 'timestamptz',
  booked_version: 'bigint',
  voided_at: 'timestamptz',
  voided_version: 'bigint',
  void_reason: 'text',
  voided: 'numeric',
} as const;

const FACTS = {
  version: 'bigint',
  recorded_at: 'timestamptz',
  idempotency_key: 'text',
  currency: 'text',
  amount: 'numeric',
  priority: 'smallint',
  feature_keys: 'text[]',
  tax_code: 'text',
  tax_behavior: 'text',
  name: 'text',
  description: 'text',
  labels: 'jsonb',
  funding_method: 'text',
  availability_policy: 'text',
  purchase_currency: 'text',
  cost_basis: 'numeric',
  purchase_amount: 'numeric',
} as const;

const insertGrants = bulkInsert('grants', { ...KEY, ...FACTS, ...TERMS, ...DRAWN });
const updateGrants = bulkUpdate('update_grants', 'grants', ['shard', 'book_id', 'id'], {
  ...KEY,
  ...TERMS,
  ...DRAWN,
});
const drawOnGrants = bulkUpdate('draw_on_grants', 'grants', ['shard', 'book_id', 'id'], { ...KEY, ...DRAWN });

/** `drawnOnly`: nothing but the amounts of {@link DRAWN} has changed since it was loaded. */
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

export const storeGrants = (
  connection: Connection,
  made: readonly OwnedGrant[],
  changed: readonly OwnedGrant[],
): readonly Promise<void>[] => [
  insertGrants(
    connection,
    made.map((own) => ({ ...key(own), ...facts(own.stored), ...terms(own.stored), ...drawn(own.stored) })),
  ),
  updateGrants(
    connection,
    changed
      .filter(({ drawnOnly }) => !drawnOnly)
      .map((own) => ({ ...key(own), ...terms(own.stored), ...drawn(own.stored) })),
  ),
  drawOnGrants(
    connection,
    changed.filter(({ drawnOnly }) => drawnOnly).map((own) => ({ ...key(own), ...drawn(own.stored) })),
  ),
];

const key = ({ shard, bookId, stored: { grant } }: OwnedGrant): Record<keyof typeof KEY, unknown> => ({
  shard,
  book_id: bookId,
  id: uuidOf(grant.id),
});

const facts = ({ grant, version }: StoredGrant): Record<keyof typeof FACTS, unknown> => ({
  version,
  recorded_at: timestamp(grant.recordedAt),
  idempotency_key: grant.details.idempotencyKey,
  currency: grant.currency,
  amount: formatAmount(grant.amount),
  priority: grant.priority,
  feature_keys: grant.featureKeys,
  tax_code: grant.tax?.code ?? null,
  tax_behavior: grant.tax?.behavior ?? null,
  name: grant.details.name,
  description: grant.details.description,
  labels: JSON.stringify(grant.details.labels),
  funding_method: grant.funding.method,
  availability_policy: grant.funding.policy,
  purchase_currency: grant.funding.purchaseCurrency,
  cost_basis: formatAmount(grant.funding.costBasis),
  purchase_amount: formatAmount(grant.funding.purchaseAmount),
});

const drawn = ({ grant, version, closedVersion }: StoredGrant): Record<keyof typeof DRAWN, unknown> => ({
  remaining: formatAmount(grant.remaining),
  consumed: formatAmount(grant.consumed),
  expired: formatAmount(grant.expired),
  closed_version: closedVersion,
  span_class: closedVersion === null ? null : spanClass(version, closedVersion),
});

const terms = ({ grant, ...own }: StoredGrant): Record<keyof typeof TERMS, unknown> => ({
  settlement_status: grant.funding.status,
  issued_at: optional(grant.funding.issuedAt),
  authorized_at: optional(grant.funding.authorizedAt),
  settled_at: optional(grant.funding.settledAt),
  failed_at: optional(grant.funding.failedAt),
  invoice_id: grant.funding.invoiceId,
  effective_at: timestamp(grant.effectiveAt),
  expires_at: timestamp(grant.expiresAt),
  funded_at: timestamp(grant.fundedAt),
  phase: grant.phase,
  booked_at: optional(grant.bookedAt),
  booked_version: own.bookedVersion,
  voided_at: optional(grant.voidedAt),
  voided_version: own.voidedVersion,
  void_reason: grant.voidReason,
  voided: formatAmount(grant.voided),
});
