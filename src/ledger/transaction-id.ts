import { uuidOf } from '../id.ts';

/**
 * The id of a transaction says where it stands: a UUIDv8 of its book, its version and its ordinal, so no column and no
 * index has to hold it. Transactions of before this was so have a UUIDv7 of their own, in the column `id`; in all others
 * that is null.
 *
 *   book (its upper 48 of 53 bits) | 8 | the lower 5, seven zeros | two bits of the variant, version (38 bits) | ordinal (24 bits)
 */
export type TransactionPlace = {
  readonly bookId: number;
  readonly version: number;
  readonly ordinal: number;
};

const VERSIONS = 2 ** 38;
const ORDINALS = 2 ** 24;
const VARIANT = 2 ** 39;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The 32 hex digits of the id of a transaction. */
export function uuidAt({ bookId, version, ordinal }: TransactionPlace): string {
  if (version >= VERSIONS || ordinal >= ORDINALS) {
    throw new Error(`invariant: no id has room for transaction ${ordinal} of version ${version}`);
  }
  return `${hex(Math.floor(bookId / 32), 12)}8${hex((bookId % 32) * 128, 3)}${hex(VARIANT + version, 10)}${hex(ordinal, 6)}`;
}

/** Where the transaction stands that 32 hex digits are the id of, if there is one; null: one of before, or none. */
export function placeAt(uuid: string): TransactionPlace | null {
  const number = (from: number, to: number) => Number.parseInt(uuid.slice(from, to), 16);
  const place = {
    bookId: number(0, 12) * 32 + Math.floor(number(13, 16) / 128),
    version: number(16, 26) - VARIANT,
    ordinal: number(26, 32),
  };
  // No other digits are the same place.
  const isPlace = place.version >= 0 && place.version < VERSIONS && uuidAt(place) === uuid;
  return isPlace ? place : null;
}

/** The id of a row of `transactions`, in SQL. */
export const idIn = (alias: string): string => `coalesce(${alias}.id, encode(
    int8send(((${alias}.book_id >> 5) << 16) | (8 << 12) | ((${alias}.book_id & 31) << 7))
      || int8send((-9223372036854775808) | (${alias}.version << 24) | ${alias}.ordinal), 'hex')::uuid)`;

/** What is asked of a book for a transaction by its id; the place is none where the id holds none of the book's. */
export type AskedById = {
  readonly transactionId: string;
  readonly atVersion: number;
  readonly atOrdinal: number;
};
export const NAMED_BY_ID = { transactionId: 'uuid', atVersion: 'bigint', atOrdinal: 'integer' } as const;

export function askedById({ bookId }: { readonly bookId: number }, transactionId: string): AskedById {
  const place = placeAt(uuidOf(transactionId));
  const { version, ordinal } = place?.bookId === bookId ? place : NOWHERE;
  return { transactionId, atVersion: version, atOrdinal: ordinal };
}

const NOWHERE = { version: 0, ordinal: 0 };

/** The row of `transactions` that is asked for, in SQL: at its place, or one of before by the id it has. */
export const rowAsked = (
  {
    shard,
    bookId,
    transactionId,
    atVersion,
    atOrdinal,
  }: Readonly<Record<'shard' | 'bookId' | keyof AskedById, string>>,
  where = 'true',
): string => {
  const inBook = `select * from transactions t where t.shard = ${shard} and t.book_id = ${bookId} and ${where}`;
  return `
    ${inBook} and t.version = ${atVersion} and t.ordinal = ${atOrdinal} and t.id is null
    union all
    ${inBook} and t.id = ${transactionId}`;
};
