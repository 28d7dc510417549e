import { arraysOf, type Columns } from './columns.ts';
import { statement, type Connection, type Statement } from './database.ts';
import { inShard, onlyOne } from './placement.ts';

export type Bulk<Row> = (connection: Pick<Connection, 'run'>, rows: readonly Row[]) => Promise<void>;

/** One `insert … select unnest` with constant text for any number of rows; none sends nothing. */
export function bulkInsert<Row>(table: string, columns: Columns<Row>, onConflict = ''): Bulk<Row> {
  const names = Object.keys(columns);
  const insert = statement<never>(
    `insert_${table}`,
    `insert into ${table} (${names.join(', ')}) select ${values(columns).join(', ')} ${unnest(columns)} ${onConflict}`,
  );
  return bulk(insert, columns);
}

/** One `update … from unnest`: sets the columns that are not part of the key on the rows the key and the condition name. */
export function bulkUpdate<Row>(
  name: string,
  table: string,
  key: readonly string[],
  columns: Columns<Row>,
  condition = 'true',
): Bulk<Row> {
  const set = Object.keys(columns).filter((column) => !key.includes(column));
  const update = statement<never>(
    name,
    `update ${table} t set ${set.map((column) => `${column} = x.${column}`).join(', ')}
     from (select ${values(columns).join(', ')} ${unnest(columns)}) x (${Object.keys(columns).join(', ')})
     where ${key.map((column) => `t.${column} = x.${column}`).join(' and ')} and ${condition}
       and ${inShard('t', oneShard(columns))}`,
  );
  return bulk(update, columns);
}

const isList = (type: string): boolean => type.endsWith('[]');

/** The parameter behind those of the columns: the one shard of all rows, if they share one (placement.ts). */
const oneShard = (columns: object): `$${number}` => `$${Object.keys(columns).length + 1}`;

const values = <Row>(columns: Columns<Row>): readonly string[] =>
  Object.entries(columns).map(([name, { type }]) => {
    if (name === 'shard') return `coalesce(${oneShard(columns)}::smallint, x.shard)`;
    return isList(type) ? `array(select json_array_elements_text(x.${name}::json))` : `x.${name}`;
  });

const unnest = <Row>(columns: Columns<Row>): string =>
  `from unnest(${Object.values(columns)
    .map(({ type }, i) => `$${i + 1}::${isList(type) ? 'text' : type}[]`)
    .join(', ')}) x (${Object.keys(columns).join(', ')})`;

function bulk<Row>(sent: Statement<never>, columns: Columns<Row>): Bulk<Row> {
  const list = Object.values(columns);
  return async (connection, rows) => {
    if (rows.length === 0) return;
    await connection.run(sent, [...arraysOf(list, rows), onlyOne(rows.map(columns.shard.of))]);
  };
}
