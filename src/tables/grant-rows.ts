import type { Amount } from '../amount.ts';
import { isOpen, type Grant, type Phase } from '../credit/grant.ts';
import type { AvailabilityPolicy, FundingMethod, SettlementStatus } from '../credit/grant.ts';
import { statement, type Connection } from '../db/database.ts';
import { booksOnce, eachOnce, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** The only reader of `grants`: a grant's facts, and where it stands now as a projection. */

/** A grant with the versions at which the service learned what it says: the system axis of its facts. */
export type StoredGrant = {
  readonly grant: Grant;
  readonly version: number;
  readonly bookedVersion: number | null;
  readonly voidedVersion: number | null;
  /** From this version on it is history; null while open. */
  readonly closedVersion: number | null;
};

/** How a grant is stored after a write that made or changed it. */
export function stored(before: StoredGrant | undefined, grant: Grant, version: number): StoredGrant {
  return {
    grant,
    version: before?.version ?? version,
    bookedVersion: before?.bookedVersion ?? (grant.bookedAt === null ? null : version),
    voidedVersion: before?.voidedVersion ?? (grant.voidedAt === null ? null : version),
    closedVersion: isOpen(grant) ? null : (before?.closedVersion ?? version),
  };
}

export type GrantRow = {
  book_id: string;
  id: string;
  version: number;
  recorded_at: Instant;
  idempotency_key: string | null;
  currency: string;
  amount: Amount;
  priority: number;
  feature_keys: string[];
  tax_code: string | null;
  tax_behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null;
  name: string;
  description: string;
  labels: Record<string, string>;
  funding_method: FundingMethod;
  availability_policy: AvailabilityPolicy;
  purchase_currency: string | null;
  cost_basis: Amount;
  purchase_amount: Amount;
  purchase_precision: number;
  settlement_status: SettlementStatus | null;
  issued_at: Instant | null;
  authorized_at: Instant | null;
  settled_at: Instant | null;
  failed_at: Instant | null;
  invoice_id: string | null;
  effective_at: Instant;
  expires_at: Instant;
  funded_at: Instant;
  phase: Phase;
  booked_at: Instant | null;
  booked_version: number | null;
  voided_at: Instant | null;
  voided_version: number | null;
  void_reason: string | null;
  released: boolean;
  remaining: Amount;
  consumed: Amount;
  expired: Amount;
  voided: Amount;
  recognized: Amount;
  closed_version: number | null;
};

export const GRANT_COLUMNS = `g.book_id, g.id, g.version, g.recorded_at, g.idempotency_key, g.currency, g.amount,
  g.priority, g.feature_keys, g.tax_code, g.tax_behavior, g.name, g.description, g.labels, g.funding_method,
  g.availability_policy, g.purchase_currency, g.cost_basis, g.purchase_amount, g.purchase_precision, g.settlement_status, g.issued_at,
  g.authorized_at, g.settled_at, g.failed_at, g.invoice_id, g.effective_at,
  g.expires_at, g.funded_at, g.phase, g.booked_at, g.booked_version, g.voided_at, g.voided_version, g.void_reason, g.released,
  g.remaining, g.consumed, g.expired, g.voided, g.recognized, g.closed_version`;

export function readGrant(row: GrantRow): StoredGrant {
  const grant: Grant = {
    id: idOf('grt', row.id),
    currency: row.currency,
    amount: row.amount,
    priority: row.priority,
    featureKeys: row.feature_keys,
    tax: row.tax_code === null ? null : { code: row.tax_code, behavior: row.tax_behavior },
    funding: {
      method: row.funding_method,
      policy: row.availability_policy,
      purchaseCurrency: row.purchase_currency,
      costBasis: row.cost_basis,
      purchaseAmount: row.purchase_amount,
      purchasePrecision: row.purchase_precision,
      status: row.settlement_status,
      issuedAt: row.issued_at,
      authorizedAt: row.authorized_at,
      settledAt: row.settled_at,
      failedAt: row.failed_at,
      invoiceId: row.invoice_id,
    },
    details: {
      idempotencyKey: row.idempotency_key,
      name: row.name,
      description: row.description,
      labels: row.labels,
    },
    effectiveAt: row.effective_at,
    expiresAt: row.expires_at,
    recordedAt: row.recorded_at,
    phase: row.phase,
    fundedAt: row.funded_at,
    bookedAt: row.booked_at,
    voidedAt: row.voided_at,
    voidReason: row.void_reason,
    released: row.released,
    remaining: row.remaining,
    consumed: row.consumed,
    expired: row.expired,
    voided: row.voided,
    recognized: row.recognized,
    formerTimes: [],
    moves: [],
  };
  return {
    grant,
    version: row.version,
    bookedVersion: row.booked_version,
    voidedVersion: row.voided_version,
    closedVersion: row.closed_version,
  };
}

const OPEN_GRANTS = statement<GrantRow>(
  'open_grants',
  `select ${GRANT_COLUMNS} from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('grants', 'g', 'g.closed_version is null')}`,
);

const GRANTS_BY_ID = statement<GrantRow>(
  'grants_by_id',
  `select ${GRANT_COLUMNS} from unnest($1::smallint[], $2::uuid[], $4::uuid[]) named (shard, book_id, id)
   ${ofNamed('grants', 'g', 'g.id = named.id')}`,
);

export const loadOpenGrants = (connection: Connection, books: readonly Placed[]): Promise<GrantRow[]> =>
  connection.run(OPEN_GRANTS, placesOf(booksOnce(books)));

/** Grants named by their ids, open or not; an id the book does not have gives no row. */
export async function loadGrants(
  connection: Connection,
  named: readonly (Placed & { readonly grantId: string })[],
): Promise<GrantRow[]> {
  if (named.length === 0) return [];
  const grants = eachOnce(named, ({ grantId }) => grantId);
  return connection.run(GRANTS_BY_ID, [...placesOf(grants), grants.map((n) => uuidOf(n.grantId))]);
}

const RECLAIMABLE = statement<GrantRow>(
  'reclaimable_grants',
  `select ${GRANT_COLUMNS} from unnest($1::smallint[], $2::uuid[], $4::timestamptz[]) named (shard, book_id, since)
   ${ofNamed('grants', 'g', "g.expires_at > named.since and g.expired > 0 and g.phase = 'EXPIRED'")}`,
);

/** Grants of some books that have expired since an instant each, with credit left that may still pay for what happened before. */
export async function loadReclaimable(
  connection: Connection,
  late: readonly (Placed & { readonly since: Instant })[],
): Promise<GrantRow[]> {
  if (late.length === 0) return [];
  const books = booksOnce(late);
  return connection.run(RECLAIMABLE, [...placesOf(books), books.map(({ since }) => timestamp(since))]);
}

const OTHERS = statement<GrantRow>(
  'other_grants',
  `select ${GRANT_COLUMNS} from grants g
   where g.shard = $1 and g.book_id = $2 and g.currency = $3 and g.version <= $4
     -- recorded or credit by then
     and (g.recorded_at <= $5 or (g.booked_at <= $5 and g.booked_version <= $4))
     and g.id <> all($6::uuid[])
   order by g.id desc
   limit $7`,
);

/** The grants of a currency but some, that were recorded or credit at an instant as known: newest recorded first. */
export async function pageOfOtherGrants(
  connection: Connection,
  book: { readonly shard: number; readonly bookId: string; readonly version: number },
  {
    currency,
    at,
    but,
    limit,
  }: {
    readonly currency: string;
    readonly at: Instant;
    readonly but: readonly string[];
    readonly limit: number;
  },
): Promise<readonly StoredGrant[]> {
  const { shard, bookId, version } = book;
  const params = [shard, bookId, currency, version, timestamp(at), but.map(uuidOf), limit];
  return (await connection.run(OTHERS, params)).map(readGrant);
}
