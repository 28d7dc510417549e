import { idOf, type IdPrefix } from '../id.ts';
import {
  bool,
  bytes,
  emptyBytes,
  instant,
  int2,
  int4,
  int8,
  jsonb as json,
  numeric as decimal,
  utf8,
  uuid as hex,
  writeArray,
  writeUuid,
  type Bytes,
  type Element,
} from './binary.ts';

/** A type of column: what Postgres calls it, how a value is written, and how one that the driver parsed is read. */
export type Column<Value> = Element<NonNullable<Value>> & {
  readonly type: string;
  /** Whether it holds NULL, which is null here. */
  readonly optional: null extends Value ? true : false;
  /** Absent: what the driver parsed (types.ts) is the value. */
  readonly read?: (parsed: never) => unknown;
  /** What it is called, where that is not its field in snake case. */
  readonly name?: string;
  /** The set it is part of; of those in the key: every update, to name the row. */
  readonly set?: ColumnSet;
};

export type AnyColumn = Omit<Column<never>, 'optional'> & { readonly optional: boolean };

const typed = <Value>(type: string, { oid, write }: Element<Value>): Column<Value> =>
  ({ type, oid, write, optional: false }) as unknown as Column<Value>;

export const boolean = typed('boolean', bool);
export const smallint = typed('smallint', int2);
export const integer = typed('integer', int4);
export const bigint = typed('bigint', int8);
export const numeric = typed('numeric', decimal);
export const timestamptz = typed('timestamptz', instant);
/** Written with dashes or without, read as Postgres prints it: with. */
export const uuid = typed('uuid', hex);
export const text = typed('text', utf8);
export const jsonb = typed<object>('jsonb', json);
/** Travels as JSON: unnest would flatten an array of arrays. */
export const texts = typed<readonly string[]>('text[]', {
  oid: utf8.oid,
  write: (out, value) => utf8.write(out, JSON.stringify(value)),
});
/** Travels as text, as {@link texts} do. */
export const integers = typed<readonly number[]>('integer[]', {
  oid: utf8.oid,
  write: (out, value) => utf8.write(out, `{${value.join(',')}}`),
});
export const bytea = typed<Uint8Array>('bytea', bytes);

/** A uuid that is 32 hex digits here. */
export const digits: Column<string> = { ...uuid, read: (parsed: string) => parsed.replaceAll('-', '') };

/** A uuid that is an id with its prefix here. */
export const id = (prefix: IdPrefix): Column<string> => ({
  ...uuid,
  read: (parsed: string) => idOf(prefix, parsed),
  write: (out, value) => writeUuid(out, value, value.indexOf('_') + 1),
});

export const optional = <Value>(of: Column<Value>): Column<Value | null> =>
  ({ ...of, optional: true }) as unknown as Column<Value | null>;

/** Called `name`, whatever its field is called. */
export const as = <Value>(name: string, of: Column<Value>): Column<Value> => ({ ...of, name });

/** Columns that are updated or compared together: it makes a column part of itself, and is known by what it is. */
export type ColumnSet = <Value>(of: Column<Value>) => Column<Value>;
export function columnSet(): ColumnSet {
  const set: ColumnSet = (of) => ({ ...of, set });
  return set;
}
export const inKey = columnSet();

/** A column with what is written of a row: one of its fields, or what is made of it. */
export type BoundColumn<Row> = AnyColumn & {
  readonly name: string;
  readonly of: string | ((row: Row) => unknown);
};

/** The columns of a table in the order they are written; those of an object within the row under its field. */
export type Columns<Row> = readonly (
  | BoundColumn<Row>
  | { readonly field: string; readonly columns: Columns<never> }
)[];

export const isSource = <Row>(one: Columns<Row>[number]): one is BoundColumn<Row> => !('columns' in one);

/** A column of what `of` makes of a row. */
export const computed = <Value, Row>(
  column: Column<Value>,
  of: (row: Row) => Value,
): Omit<BoundColumn<Row>, 'name'> => ({
  ...(column as AnyColumn),
  of,
});

/** Columns by their names. */
export const columnsOf = <Row>(
  named: Readonly<Record<string, Omit<BoundColumn<Row>, 'name'>>>,
): Columns<Row> => Object.entries(named).map(([name, source]) => ({ ...source, name }));

/** All columns, without the objects they are in. */
export const flat = (columns: Columns<never>): readonly BoundColumn<never>[] =>
  columns.flatMap((one) => (isSource(one) ? [one] : flat(one.columns)));

/** Those that are part of some updates. */
export const within = <Row>(columns: Columns<Row>, sets: readonly ColumnSet[]): Columns<Row> =>
  columns.flatMap((one): Columns<Row> => {
    if (isSource(one)) return one.set !== undefined && sets.includes(one.set) ? [one] : [];
    const own = within(one.columns, sets);
    return own.length === 0 ? [] : [{ field: one.field, columns: own }];
  });

/** What stands in a column for a row. */
export const valueOf = <Row>({ of }: BoundColumn<Row>, row: Row): unknown =>
  typeof of === 'string' ? (row as Readonly<Record<string, unknown>>)[of] : of(row);

/**
 * Rows as the parameters of a statement that unnests them: an array for each column. Column by column, straight from
 * the facts: rows of their own would only be made to be taken apart.
 */
export function arraysOf<Row>(
  columns: Columns<Row>,
  rows: readonly Row[],
  howMany = flat(columns).length,
): readonly Buffer[] {
  const out = emptyBytes(howMany * (20 + rows.length * EXPECTED));
  const ends = [0];
  writeAll(out, columns, rows, ends);
  return ends.slice(1).map((end, i) => out.buffer.subarray(ends[i], end));
}

function writeAll(out: Bytes, columns: Columns<never>, rows: readonly unknown[], ends: number[]): void {
  for (const one of columns) {
    if (isSource(one)) {
      writeArray(out, one, rows, one.of);
      ends.push(out.length);
    } else {
      const { field } = one;
      // Once for all of its columns.
      const objects = rows.map((row) => (row === null ? null : (row as Record<string, unknown>)[field]));
      writeAll(out, one.columns, objects, ends);
    }
  }
}

/** Bytes of a value with its length. */
const EXPECTED = 20;
