import { formatAmount, type Amount } from '../amount.ts';
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

/** Values of a row by column: amounts, instants (named `…_at`), versions, texts. */
export type Values = Readonly<Record<string, Amount | number | string | null>>;

/**
 * The one finding about a row: the columns that are not as they should be, each with what it should be and what it is.
 * `what` names the row for people.
 */
export function differences(
  kind: Finding['kind'],
  place: Place,
  what: string,
  expected: Values,
  actual: Values,
): Finding[] {
  const differing = Object.keys(expected).filter((column) => expected[column] !== actual[column]);
  if (differing.length === 0) return [];
  const told = (values: Values) =>
    differing.map((column) => `${column} ${shown(column, values[column] ?? null)}`).join(', ');
  const [should, is] = [told(expected), told(actual)];
  return [finding(kind, place, should, is, `${what} has ${is}; facts and entries give ${should}`)];
}

function shown(column: string, value: Amount | number | string | null): string {
  if (value === null) return 'none';
  if (typeof value === 'bigint') return formatAmount(value);
  if (typeof value === 'string') return value;
  if (!column.endsWith('_at')) return String(value);
  return formatInstant(value);
}

/** As {@link differences}, of what lies in the columns of a row. */
export const diff = (kind: Finding['kind'], place: Place, what: string, expected: object, actual: object) =>
  differences(kind, place, what, flat(expected), flat(actual));

const flat = (of: object): Values =>
  Object.fromEntries(
    Object.entries(of).flatMap(([field, value]: [string, unknown]): [string, Values[string]][] => {
      const name = field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (Array.isArray(value)) return [[name, value.join()]];
      if (value !== null && typeof value === 'object') return Object.entries(flat(value));
      return [[name, typeof value === 'boolean' ? String(value) : (value as Values[string])]];
    }),
  );
