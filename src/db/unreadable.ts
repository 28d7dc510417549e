/** A row as Postgres sent it, of which at least one value has no counterpart among ours. */
export type UnreadableRow = {
  /** The table that value is a column of; 0 where it was computed. */
  readonly tableId: number;
  readonly column: string;
  readonly text: string;
  /** Every column of the row by name, as text. */
  readonly row: Readonly<Record<string, string | null>>;
};

/** Columns that name a row among those of its book; a row has some of them. */
const KEY = [
  'id',
  'grant_id',
  'charge_id',
  'version',
  'until_version',
  'known_from',
  'ordinal',
  'position',
  'collection',
  'key',
];

/** A row's key as far as the statement asked for it: `version 14, position 2`. */
export const keyOf = ({ row }: UnreadableRow): string =>
  KEY.filter((column) => (row[column] ?? null) !== null)
    .map((column) => `${column} ${row[column]}`)
    .join(', ');

/** Thrown by a statement of which a row cannot be read: the rows are damaged, `Verify` says which. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';

  constructor(statement: string, unreadable: UnreadableRow) {
    const { column, text } = unreadable;
    super(
      `a row of ${statement} cannot be read (${keyOf(unreadable)}): ${column} is ${text}; verify the book`,
    );
  }
}
