import { formatAmount, type Amount } from '../amount.ts';
import { formatInstant } from '../instant.ts';
import type { FindingOf, JournalFinding } from './journal-finding.ts';

/** What verification finds: in the journal, and between the journal and what is kept ready beside it. */
export type Finding =
  | JournalFinding
  | FindingOf<
      | 'GRANT_IDENTITY'
      | 'PROJECTION'
      | 'SCHEDULED_INDEX'
      | 'DANGLING_ROW'
      | 'UNREADABLE_ROW'
      | 'BOOK_REGISTER'
      | 'WRONG_SPLIT'
      | 'IDLE_CREDIT'
    >;

/** Columns of a row by name: amounts, instants (named `…_at`), versions, texts. */
export type Columns = Readonly<Record<string, Amount | number | string | null>>;

/**
 * The one finding about a row: the columns that are not as they should be, each with what it should be and what it is.
 * `what` names the row for people.
 */
export function differences(
  finding: Pick<Finding, 'grantId' | 'chargeId' | 'version'> & {
    readonly kind: 'PROJECTION' | 'SCHEDULED_INDEX';
  },
  what: string,
  expected: Columns,
  actual: Columns,
): Finding[] {
  const differing = Object.keys(expected).filter((column) => expected[column] !== actual[column]);
  if (differing.length === 0) return [];
  const told = (columns: Columns) =>
    differing.map((column) => `${column} ${shown(column, columns[column] ?? null)}`).join(', ');
  const [should, is] = [told(expected), told(actual)];
  return [
    {
      ...finding,
      expected: should,
      actual: is,
      message: `${what} has ${is}; facts and entries give ${should}`,
    },
  ];
}

function shown(column: string, value: Amount | number | string | null): string {
  if (value === null) return 'none';
  if (typeof value === 'bigint') return formatAmount(value);
  if (typeof value === 'string') return value;
  if (!column.endsWith('_at')) return String(value);
  return formatInstant(value);
}
