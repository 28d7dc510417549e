import {
  arraysOf,
  flat,
  inKey,
  isSource,
  valueOf,
  within,
  type BoundColumn,
  type Columns,
  type ColumnSet,
} from './columns.ts';
import { statement, type Connection, type Statement } from './database.ts';
import { inShard, onlyOne } from './placement.ts';
import { notesUpdate } from './updated-columns.ts';

/** Statements over any number of rows, with one constant text; none sends nothing. One of the columns is `shard`. */
export type Bulk<Row> = (connection: Pick<Connection, 'run'>, rows: readonly Row[]) => Promise<void>;

/** What an insert does where a row is there: it fails, leaves the row as it is, or updates the columns of a set. */
export type OnConflict = 'fails' | 'leaves' | ColumnSet;

/** An `insert … select unnest`. */
export function bulkInsert<Row>(
  table: string,
  columns: Columns<Row>,
  onConflict: OnConflict = 'fails',
): Bulk<Row> {
  const insert = statement<never>(
    `insert_${table}`,
    `insert into ${table} (${namesOf(columns)}) select ${values(columns)} ${unnest(columns)}
     ${conflictClause(table, columns, onConflict)}`,
  );
  return bulk(insert, columns);
}

function conflictClause(table: string, columns: Columns<never>, onConflict: OnConflict): string {
  if (onConflict === 'fails') return '';
  if (onConflict === 'leaves') return 'on conflict do nothing';
  const renewed = flat(within(columns, [onConflict])).map(({ name }) => name);
  notesUpdate(table, renewed);
  return `on conflict (${namesOf(within(columns, [inKey]))})
    do update set ${renewed.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

/** An `update … from unnest`: sets the columns that are part of `sets` on the rows that the key and the condition name. */
export function bulkUpdate<Row>(
  name: string,
  table: string,
  all: Columns<Row>,
  sets: readonly ColumnSet[],
  condition = 'true',
): Bulk<Row> {
  if (sets.some((set) => within(all, [set]).length === 0)) {
    throw new Error(`invariant: ${table} has no column of a set that ${name} is to update`);
  }
  const columns = within(all, [inKey, ...sets]);
  const [key, set] = [flat(columns).filter(isKey), flat(columns).filter((column) => !isKey(column))];
  notesUpdate(
    table,
    set.map((column) => column.name),
  );
  const update = statement<never>(
    name,
    `update ${table} t set ${set.map((column) => `${column.name} = x.${column.name}`).join(', ')}
     from (select ${values(columns)} ${unnest(columns)}) x (${namesOf(columns)})
     where ${key.map((column) => `t.${column.name} = x.${column.name}`).join(' and ')} and ${condition}
       and ${inShard('t', oneShard(columns))}`,
  );
  return bulk(update, columns);
}

const isKey = ({ set }: BoundColumn<never>): boolean => set === inKey;

const isList = (type: string): boolean => type.endsWith('[]');

/** The names of columns, as an insert lists them. */
export const namesOf = (columns: Columns<never>): string =>
  flat(columns)
    .map(({ name }) => name)
    .join(', ');

/** The parameter behind those of the columns: the one shard of all rows, if they share one (placement.ts). */
const oneShard = (columns: Columns<never>): `$${number}` => `$${flat(columns).length + 1}`;

const values = (columns: Columns<never>): string =>
  flat(columns)
    .map(({ name, type }) => {
      if (name === 'shard') return `coalesce(${oneShard(columns)}::smallint, x.shard)`;
      if (type === 'text[]') return `array(select json_array_elements_text(x.${name}::json))`;
      return isList(type) ? `x.${name}::${type}` : `x.${name}`;
    })
    .join(', ');

const unnest = (columns: Columns<never>): string =>
  `from unnest(${flat(columns)
    .map(({ type }, i) => `$${i + 1}::${isList(type) ? 'text' : type}[]`)
    .join(', ')}) x (${namesOf(columns)})`;

function bulk<Row>(sent: Statement<never>, columns: Columns<Row>): Bulk<Row> {
  const shard = columns.find((one) => isSource(one) && one.name === 'shard') as BoundColumn<Row>;
  const howMany = flat(columns).length;
  return async (connection, rows) => {
    if (rows.length === 0) return;
    await connection.run(sent, [
      ...arraysOf(columns, rows, howMany),
      onlyOne(rows.map((row) => valueOf(shard, row))),
    ]);
  };
}
