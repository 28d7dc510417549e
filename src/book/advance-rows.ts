import { formatAmount, type Amount } from '../amount.ts';
import type { Reduction } from '../credit/book-state.ts';
import type { Advance } from '../credit/charge.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
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
  connection.run(OPEN_ADVANCES, placesOf(books));

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
  chargeIds.length === 0 ? [] : connection.run(ADVANCES_OF, [shard, bookId, chargeIds.map(uuidOf)]);

const KEY = { shard: 'smallint', book_id: 'uuid', charge_id: 'uuid', collection: 'integer' } as const;
const STANDING = { uncovered: 'numeric', closed_version: 'bigint', span_class: 'smallint' } as const;

const insertAdvances = bulkInsert('advances', {
  ...KEY,
  version: 'bigint',
  entry_position: 'integer',
  currency: 'text',
  feature_key: 'text',
  tax_code: 'text',
  tax_behavior: 'text',
  amount: 'numeric',
  booked_at: 'timestamptz',
  ...STANDING,
});

const updateAdvances = bulkUpdate(
  'update_advances',
  'advances',
  ['shard', 'book_id', 'charge_id', 'collection'],
  { ...KEY, ...STANDING },
);

const insertReductions = bulkInsert('reductions', {
  shard: 'smallint',
  book_id: 'uuid',
  charge_id: 'uuid',
  version: 'bigint',
  position: 'integer',
  collection: 'integer',
  amount: 'numeric',
  booked_at: 'timestamptz',
});

/** `closedVersion`: the version that covered or reduced away the last of it; null while some of it is uncovered. */
export type StoredAdvance = Placed & {
  readonly advance: Advance;
  readonly closedVersion: number | null;
};
export type OwnedReduction = Placed & { readonly reduction: Reduction };

export const storeAdvances = (
  connection: Connection,
  made: readonly StoredAdvance[],
  changed: readonly StoredAdvance[],
  reductions: readonly OwnedReduction[],
): readonly Promise<void>[] => [
  insertAdvances(
    connection,
    made.map((own) => ({
      ...keyOf(own),
      version: own.advance.entry.version,
      entry_position: own.advance.entry.position,
      currency: own.advance.currency,
      feature_key: own.advance.featureKey,
      tax_code: own.advance.tax?.code ?? null,
      tax_behavior: own.advance.tax?.behavior ?? null,
      amount: formatAmount(own.advance.amount),
      booked_at: timestamp(own.advance.at),
      ...standing(own),
    })),
  ),
  updateAdvances(
    connection,
    changed.map((own) => ({ ...keyOf(own), ...standing(own) })),
  ),
  insertReductions(
    connection,
    reductions.map(({ shard, bookId, reduction }) => ({
      shard,
      book_id: bookId,
      charge_id: uuidOf(reduction.chargeId),
      ...reduction.ref,
      collection: reduction.collection,
      amount: formatAmount(reduction.amount),
      booked_at: timestamp(reduction.at),
    })),
  ),
];

const keyOf = ({ shard, bookId, advance }: StoredAdvance): Record<keyof typeof KEY, unknown> => ({
  shard,
  book_id: bookId,
  charge_id: uuidOf(advance.chargeId),
  collection: advance.collection,
});

const standing = (own: StoredAdvance): Record<keyof typeof STANDING, unknown> => ({
  uncovered: formatAmount(own.advance.uncovered),
  closed_version: own.closedVersion,
  span_class: own.closedVersion === null ? null : spanClass(own.advance.entry.version, own.closedVersion),
});
