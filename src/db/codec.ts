import { flat, isSource, valueOf, type AnyColumn, type Column, type Columns } from './columns.ts';

/**
 * How a value lies in the columns of a row. Said once, in the value's own shape: each of its fields is a column, called
 * as the field in snake case, or an object of such. What is selected, read, written and compared follows from it.
 */
export type Shape<Value> = { readonly [Field in keyof Value]-?: Part<Value[Field]> };

type Part<Value> =
  | Column<Value>
  | { readonly unstored: Value }
  | ([NonNullable<Value>] extends [object]
      ? null extends Value
        ? { readonly ifAny: Shape<NonNullable<Value>> }
        : Shape<Value>
      : never);

/** An object that is null where its first column is. */
export const ifAny = <Inner>(shape: Inner): { readonly ifAny: Inner } => ({ ifAny: shape });

/** A field that no column holds; it is read as this. */
export const unstored = <Value>(value: Value): { readonly unstored: Value } => ({ unstored: value });

/** A row that holds a value, as the driver parsed it; other columns may stand beside. */
export type Row<Value> = { readonly [HOLDS]?: Value };
declare const HOLDS: unique symbol;

export type Codec<Value> = {
  readonly columns: Columns<Value>;
  /** The columns of a row called `alias`, as a select lists them. */
  select(alias: string): string;
  read(row: Row<Value>): Value;
  /** What of a larger value lies in the columns. */
  pick(value: Value): Value;
  /** Whether two values are the same in every column, by identity. */
  same(a: Value, b: Value): boolean;
};

export function codec<Value>(shape: Shape<Value>): Codec<Value> {
  const columns = columnsIn(shape);
  return {
    columns: columns as Codec<Value>['columns'],
    select: (alias) => selectOf(columns, alias),
    read: readerOf(shape) as Codec<Value>['read'],
    pick: (value) => pickIn(columns, value as Fields) as Value,
    same: (a, b) => sameIn(columns as Codec<Value>['columns'], a, b),
  };
}

export const selectOf = (columns: Columns<never>, alias: string): string =>
  flat(columns)
    .map(({ name }) => `${alias}.${name}`)
    .join(', ');

type Fields = Readonly<Record<string, unknown>>;
type AnyPart = AnyColumn | { readonly unstored: unknown } | { readonly ifAny: AnyShape } | AnyShape;
type AnyShape = { readonly [field: string]: AnyPart };

const isColumn = (part: AnyPart): part is AnyColumn => typeof part['type' as never] === 'string';
const isUnstored = (part: AnyPart): part is { readonly unstored: unknown } => 'unstored' in part;
const isIfAny = (part: AnyPart): part is { readonly ifAny: AnyShape } => 'ifAny' in part;

const nameOf = (field: string, { name }: AnyColumn): string =>
  name ?? field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const columnsIn = (shape: AnyShape, optional = false): Columns<never> =>
  Object.entries(shape).flatMap(([field, part]): Columns<never> => {
    if (isColumn(part))
      return [{ ...part, optional: optional || part.optional, name: nameOf(field, part), of: field }];
    if (isUnstored(part)) return [];
    return [{ field, columns: isIfAny(part) ? columnsIn(part.ifAny, true) : columnsIn(part, optional) }];
  });

function readerOf(shape: AnyShape): (row: Fields) => unknown {
  // Copied for each value, so that all have their fields at once and alike: set one by one they are slow to use.
  const blank: Record<string, unknown> = Object.fromEntries(
    Object.entries(shape).map(([field, part]) => [field, isUnstored(part) ? part.unstored : null]),
  );
  const plain: { readonly field: string; readonly name: string }[] = [];
  const others: { readonly field: string; readonly read: (row: Fields) => unknown }[] = [];
  for (const [field, part] of Object.entries(shape)) {
    if (isUnstored(part)) continue;
    if (isColumn(part) && part.read === undefined) plain.push({ field, name: nameOf(field, part) });
    else others.push({ field, read: partReader(field, part) });
  }
  return (row) => {
    const value = { ...blank };
    for (let i = 0; i < plain.length; i += 1) {
      const part = plain[i]!;
      value[part.field] = row[part.name];
    }
    for (let i = 0; i < others.length; i += 1) {
      const part = others[i]!;
      value[part.field] = part.read(row);
    }
    return value;
  };
}

function partReader(field: string, part: Exclude<AnyPart, { readonly unstored: unknown }>) {
  if (isColumn(part)) return columnReader(nameOf(field, part), part);
  if (!isIfAny(part)) return readerOf(part);
  const [first] = flat(columnsIn(part.ifAny));
  const read = readerOf(part.ifAny);
  return (row: Fields) => (row[first!.name] === null ? null : read(row));
}

const columnReader =
  (name: string, { read = (parsed: unknown) => parsed }: AnyColumn) =>
  (row: Fields) =>
    row[name] === null ? null : read(row[name] as never);

const pickIn = (columns: Columns<never>, value: Fields): Fields =>
  Object.fromEntries(
    columns.map((one) => {
      const field = isSource(one) ? (one.of as string) : one.field;
      const own = value[field];
      return [field, isSource(one) || own === null ? own : pickIn(one.columns, own as Fields)];
    }),
  );

/** Whether two values are the same in some columns, by identity. */
export function sameIn<Value>(columns: Columns<Value>, a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return columns.every((one) =>
    isSource(one)
      ? valueOf(one, a) === valueOf(one, b)
      : sameIn(one.columns, (a as Fields)[one.field] as never, (b as Fields)[one.field] as never),
  );
}

/** What stands in columns, by their names. */
export type ColumnValues = Readonly<Record<string, unknown>>;

/** What is to stand in columns for a row. */
export function valuesOf(
  columns: Columns<never>,
  row: Fields | null,
  values: Record<string, unknown> = {},
): ColumnValues {
  for (const one of columns) {
    if (isSource(one)) values[one.name] = row === null ? null : valueOf(one, row as never);
    else valuesOf(one.columns, row === null ? null : (row[one.field] as Fields | null), values);
  }
  return values;
}

/** What stands in columns of a row that was found. */
export function valuesFrom(
  columns: Columns<never>,
  row: object,
  values: Record<string, unknown> = {},
): ColumnValues {
  for (const one of columns) {
    if (!isSource(one)) valuesFrom(one.columns, row, values);
    else {
      const parsed = (row as Fields)[one.name];
      values[one.name] = parsed === null || one.read === undefined ? parsed : one.read(parsed as never);
    }
  }
  return values;
}
