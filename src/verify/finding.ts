import { formatAmount } from '../amount.ts';
import type { ColumnValues } from '../db/codec.ts';
import { idOf } from '../id.ts';
import { formatInstant } from '../instant.ts';

/** Something that must not be, told so that somebody can act on it: where it shows, what should be there, what is. */
export type Finding = Place & {
  readonly kind:
    | 'UNBALANCED_TRANSACTION'
    | 'RUNNING_TOTAL'
    | 'HASH_CHAIN'
    | 'VERSION_GAP'
    | 'FUTURE_ENTRY'
    | 'ENTRY_COPY'
    | 'RECORDED_AT'
    | 'GRANT_IDENTITY'
    | 'PROJECTION'
    | 'SCHEDULED_INDEX'
    | 'DANGLING_ROW'
    | 'UNREADABLE_ROW'
    | 'BOOK_REGISTER'
    | 'WRONG_SPLIT'
    | 'IDLE_CREDIT';
  readonly expected: string;
  readonly actual: string;
  /** One sentence for people. */
  readonly message: string;
};

/** Where a finding shows: at which version of the book, and what it is about, where it is about one. */
export type Place = {
  readonly version: number;
  readonly grantId?: string;
  readonly chargeId?: string;
  readonly transactionId?: string;
  readonly entryId?: string;
};

export const finding = (
  kind: Finding['kind'],
  place: Place,
  expected: string,
  actual: string,
  message: string,
): Finding => ({ kind, ...place, expected, actual, message });

type Entry = {
  readonly version: number;
  readonly position: number;
  readonly grantId: string | null;
  readonly chargeId: string | null;
};

/** The place of a finding about an entry: itself, its transaction where it has one, and what it is about. */
export const placeOf = (entry: Entry, transaction: { readonly uuid: string } | undefined): Place => ({
  version: entry.version,
  ...(entry.grantId !== null && { grantId: entry.grantId }),
  ...(entry.chargeId !== null && { chargeId: entry.chargeId }),
  ...(transaction !== undefined && {
    transactionId: idOf('txn', transaction.uuid),
    entryId: `${idOf('ent', transaction.uuid)}_${entry.position}`,
  }),
});

/**
 * The one finding about a row: the columns that are not as they should be, each with what it should be and what it is.
 * `what` names the row for people.
 */
export function differences(
  kind: Finding['kind'],
  place: Place,
  what: string,
  expected: ColumnValues,
  actual: ColumnValues,
  typeOf = (column: string): string => (column.endsWith('_at') ? 'timestamptz' : ''),
): Finding[] {
  const differing = Object.keys(expected).filter((column) => !isSame(expected[column], actual[column]));
  if (differing.length === 0) return [];
  const told = (values: ColumnValues) =>
    differing.map((column) => `${column} ${shown(values[column], typeOf(column))}`).join(', ');
  const [should, is] = [told(expected), told(actual)];
  return [finding(kind, place, should, is, `${what} has ${is}; facts and entries give ${should}`)];
}

const isSame = (a: unknown, b: unknown): boolean =>
  a === b || (a !== null && b !== null && typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));

function shown(value: unknown, type: string): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'bigint') return formatAmount(value);
  if (typeof value === 'number' && type === 'timestamptz') return formatInstant(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
