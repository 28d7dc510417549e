import type { Amount } from '../amount.ts';
import type { Charge, ChargeStatus, ChargeType, SettlementMode } from '../credit/charge.ts';
import { statement, type Connection } from '../db/database.ts';
import { booksOnce, eachOnce, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** The only reader of `charges`. */

/** A charge with the version that closed it; null while it is open. */
export type StoredCharge = { readonly charge: Charge; readonly closedVersion: number | null };

export type ChargeRow = {
  book_id: string;
  id: string;
  version: number;
  recorded_at: Instant;
  idempotency_key: string | null;
  type: ChargeType;
  settlement_mode: SettlementMode;
  currency: string;
  precision: number;
  amount: Amount;
  feature_key: string | null;
  tax_code: string | null;
  tax_behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null;
  name: string;
  description: string;
  labels: Record<string, string>;
  starts_at: Instant;
  hold_expires_at: Instant;
  status: ChargeStatus;
  closed_at: Instant | null;
  sequence: number | null;
  collections: number;
  collected: Amount;
  advanced: Amount;
  invoiced: Amount;
  closed_version: number | null;
};

export const CHARGE_COLUMNS = `c.book_id, c.id, c.version, c.recorded_at, c.idempotency_key, c.type, c.settlement_mode,
  c.currency, c.precision, c.amount, c.feature_key, c.tax_code, c.tax_behavior, c.name, c.description, c.labels, c.starts_at,
  c.hold_expires_at, c.status, c.closed_at, c.sequence, c.collections, c.collected, c.advanced, c.invoiced,
  c.closed_version`;

export const readCharge = (row: ChargeRow): StoredCharge => ({
  charge: {
    id: idOf('chg', row.id),
    type: row.type,
    mode: row.settlement_mode,
    currency: row.currency,
    precision: row.precision,
    amount: row.amount,
    featureKey: row.feature_key,
    tax: row.tax_code === null ? null : { code: row.tax_code, behavior: row.tax_behavior },
    details: {
      idempotencyKey: row.idempotency_key,
      name: row.name,
      description: row.description,
      labels: row.labels,
    },
    recordedAt: row.recorded_at,
    version: row.version,
    startsAt: row.starts_at,
    holdExpiresAt: row.hold_expires_at,
    status: row.status,
    closedAt: row.closed_at,
    sequence: row.sequence,
    collections: row.collections,
    collected: row.collected,
    advanced: row.advanced,
    invoiced: row.invoiced,
  },
  closedVersion: row.closed_version,
});

const OPEN_CHARGES = statement<ChargeRow>(
  'open_charges',
  `select ${CHARGE_COLUMNS} from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('charges', 'c', 'c.closed_version is null')}`,
);

export const loadOpenCharges = (connection: Connection, books: readonly Placed[]): Promise<ChargeRow[]> =>
  connection.run(OPEN_CHARGES, placesOf(booksOnce(books)));

const CHARGES_BY_ID = statement<ChargeRow>(
  'charges_by_id',
  `select ${CHARGE_COLUMNS} from unnest($1::smallint[], $2::uuid[], $4::uuid[]) named (shard, book_id, id)
   ${ofNamed('charges', 'c', 'c.id = named.id')}`,
);

/** Charges named by their ids, open or not; an id the book does not have gives no row. */
export async function loadCharges(
  connection: Connection,
  named: readonly (Placed & { readonly chargeId: string })[],
): Promise<ChargeRow[]> {
  if (named.length === 0) return [];
  const charges = eachOnce(named, ({ chargeId }) => chargeId);
  return connection.run(CHARGES_BY_ID, [...placesOf(charges), charges.map((n) => uuidOf(n.chargeId))]);
}
