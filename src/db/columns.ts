import { formatAmount, type Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { timestamp } from './types.ts';

/** A column of a bulk statement: its Postgres type, and how what stands in it for a row is written in an array's text. */
export type Column<Row> = { readonly type: string; readonly write: (row: Row) => string };

/** Columns by name, in the order they are written. */
export type Columns<Row> = { readonly shard: Column<Row>; readonly [name: string]: Column<Row> };

/** A type of column, made from what it takes from a row; null writes NULL. */
const columnOf =
  <Value>(type: string, text: (value: Value) => string) =>
  <Row>(of: (row: Row) => Value | null): Column<Row> => ({
    type,
    write: (row) => {
      const value = of(row);
      return value === null ? 'NULL' : text(value);
    },
  });

// Only what may hold anything needs quotes.
const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
const json = (value: unknown): string => quoted(JSON.stringify(value));

export const smallint = columnOf<number>('smallint', String);
export const integer = columnOf<number>('integer', String);
export const bigint = columnOf<number>('bigint', String);
export const numeric = columnOf<Amount>('numeric', formatAmount);
export const timestamptz = columnOf<Instant>('timestamptz', timestamp);
/** Of the hex digits, with or without dashes. */
export const uuid = columnOf<string>('uuid', (value) => value);
export const text = columnOf<string>('text', quoted);
export const jsonb = columnOf<unknown>('jsonb', json);
/** Travels as JSON: unnest would flatten an array of arrays. */
export const texts = columnOf<readonly string[]>('text[]', json);
export const bytea = columnOf<Uint8Array>(
  'bytea',
  (value) => `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`,
);
