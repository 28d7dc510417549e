import type { Amount } from '../amount.ts';
import type { Reduction } from '../credit/book-state.ts';
import type { Advance } from '../credit/charge.ts';
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
import { booksOnce, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** The only reader and writer of `advances` and `reductions`. */

export type AdvanceRow = {
  book_id: string;
  charge_id: string;
  collection: number;
  version: number;
  entry_position: number;
  currency: string;
  feature_key: string | null;
  tax_code: string | null;
  tax_behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null;
  amount: Amount;
  uncovered: Amount;
  booked_at: Instant;
};

export const ADVANCE_COLUMNS = `a.book_id, a.charge_id, a.collection, a.version, a.entry_position, a.currency,
  a.feature_key, a.tax_code, a.tax_behavior, a.amount, a.uncovered, a.booked_at`;

export const readAdvance = (row: AdvanceRow): Advance => ({
  chargeId: idOf('chg', row.charge_id),
  collection: row.collection,
  currency: row.currency,
  featureKey: row.feature_key,
  tax: row.tax_code === null ? null : { code: row.tax_code, behavior: row.tax_behavior },
  amount: row.amount,
  uncovered: row.uncovered,
  at: row.booked_at,
  entry: { version: row.version, position: row.entry_position },
});

const OPEN_ADVANCES = statement<AdvanceRow>(
  'open_advances',
  `select ${ADVANCE_COLUMNS} from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('advances', 'a', 'a.closed_version is null')}`,
);

export const loadOpenAdvances = (connection: Connection, books: readonly Placed[]): Promise<AdvanceRow[]> =>
  connection.run(OPEN_ADVANCES, placesOf(booksOnce(books)));

const ADVANCES_OF = statement<AdvanceRow>(
  'advances_of_charges',
  `select ${ADVANCE_COLUMNS} from unnest($3::uuid[]) named (charge_id)
   join advances a on a.shard = $1 and a.book_id = $2 and a.charge_id = named.charge_id`,
);

/** Every advance some charges of a book made, open or not. */
export const loadAdvancesOf = async (
  connection: Connection,
  { shard, bookId }: { readonly shard: number; readonly bookId: string },
  chargeIds: readonly string[],
): Promise<AdvanceRow[]> =>
  chargeIds.length === 0
    ? []
    : connection.run(ADVANCES_OF, [shard, bookId, [...new Set(chargeIds.map(uuidOf))]]);

/** `closedVersion`: the version that covered or reduced away the last of it; null while some of it is uncovered. */
export type StoredAdvance = Placed & {
  readonly advance: Advance;
  readonly closedVersion: number | null;
};
export type OwnedReduction = Placed & { readonly reduction: Reduction };

const key: Columns<StoredAdvance> = {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  charge_id: uuid((own) => uuidOf(own.advance.chargeId)),
  collection: integer((own) => own.advance.collection),
};

/** What a later write may change. */
const standing: Record<string, Column<StoredAdvance>> = {
  uncovered: numeric((own) => own.advance.uncovered),
  closed_version: bigint((own) => own.closedVersion),
  span_class: smallint(({ advance, closedVersion }) =>
    closedVersion === null ? null : spanClass(advance.entry.version, closedVersion),
  ),
};

const insertAdvances = bulkInsert<StoredAdvance>('advances', {
  ...key,
  version: bigint((own) => own.advance.entry.version),
  entry_position: integer((own) => own.advance.entry.position),
  currency: text((own) => own.advance.currency),
  feature_key: text((own) => own.advance.featureKey),
  tax_code: text((own) => own.advance.tax?.code ?? null),
  tax_behavior: text((own) => own.advance.tax?.behavior ?? null),
  amount: numeric((own) => own.advance.amount),
  booked_at: timestamptz((own) => own.advance.at),
  ...standing,
});

const updateAdvances = bulkUpdate(
  'update_advances',
  'advances',
  ['shard', 'book_id', 'charge_id', 'collection'],
  { ...key, ...standing },
);

const insertReductions = bulkInsert<OwnedReduction>('reductions', {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  charge_id: uuid((own) => uuidOf(own.reduction.chargeId)),
  version: bigint((own) => own.reduction.ref.version),
  position: integer((own) => own.reduction.ref.position),
  collection: integer((own) => own.reduction.collection),
  amount: numeric((own) => own.reduction.amount),
  booked_at: timestamptz((own) => own.reduction.at),
});

export const storeAdvances = (
  connection: Connection,
  made: readonly StoredAdvance[],
  changed: readonly StoredAdvance[],
  reductions: readonly OwnedReduction[],
): readonly Promise<void>[] => [
  insertAdvances(connection, made),
  updateAdvances(connection, changed),
  insertReductions(connection, reductions),
];
