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
  writeNull,
  type Bytes,
  type Element,
} from './binary.ts';

/** A column of a bulk statement: its Postgres type, what stands in it for a row, and how that is written for some. */
export type Column<Row> = {
  readonly type: string;
  readonly of: (row: Row) => unknown;
  readonly writeAll: (out: Bytes, rows: readonly Row[]) => void;
};

/** Columns by name, in the order they are written. */
export type Columns<Row> = { readonly shard: Column<Row>; readonly [name: string]: Column<Row> };

/** A type of column, made from what it takes from a row; null writes NULL. */
const columnOf =
  <Value>(type: string, { oid, write }: Element<Value>) =>
  <Row>(of: (row: Row) => Value | null): Column<Row> => ({
    ...{ type, of },
    writeAll: (out, rows) =>
      writeArray(out, oid, rows, (row) => {
        const value = of(row);
        if (value === null) writeNull(out);
        else write(out, value);
      }),
  });

export const boolean = columnOf('boolean', bool);
export const smallint = columnOf('smallint', int2);
export const integer = columnOf('integer', int4);
export const bigint = columnOf('bigint', int8);
export const numeric = columnOf('numeric', decimal);
export const timestamptz = columnOf('timestamptz', instant);
/** Of the hex digits, with or without dashes. */
export const uuid = columnOf('uuid', hex);
export const text = columnOf('text', utf8);
export const jsonb = columnOf('jsonb', json);
/** Travels as JSON: unnest would flatten an array of arrays. */
export const texts = columnOf<readonly string[]>('text[]', {
  oid: utf8.oid,
  write: (out, value) => utf8.write(out, JSON.stringify(value)),
});
export const bytea = columnOf('bytea', bytes);

/**
 * Rows as the parameters of a statement that unnests them: an array for each column. Column by column, straight from
 * the facts: rows of their own would only be made to be taken apart.
 */
export function arraysOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly Buffer[] {
  const out = emptyBytes(columns.length * (20 + rows.length * EXPECTED));
  const ends = columns.map(({ writeAll }) => {
    writeAll(out, rows);
    return out.length;
  });
  return ends.map((end, i) => out.buffer.subarray(ends[i - 1] ?? 0, end));
}

/** Bytes of a value with its length. */
const EXPECTED = 20;
