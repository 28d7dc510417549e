import { statement, type Connection, type Statement } from './database.ts';
import { inShard, onlyShard } from './placement.ts';

/** Columns of a table with their Postgres types, in the order they are written. */
export type Columns = Readonly<Record<string, string>> & { readonly shard: 'smallint' };

export type Insert<C extends Columns> = (
  connection: Connection,
  rows: readonly Readonly<Record<keyof C, unknown>>[],
) => Promise<void>;

/** One `insert … select unnest` with constant text for any number of rows; none sends nothing. */
export function bulkInsert<C extends Columns>(table: string, columns: C, onConflict = ''): Insert<C> {
  const names = Object.keys(columns);
  const insert = statement<never>(
    `insert_${table}`,
    `insert into ${table} (${names.join(', ')}) select ${values(columns).join(', ')} ${unnest(columns)} ${onConflict}`,
  );
  return (connection, rows) => runBulk(connection, insert, columns, rows);
}

/** One `update … from unnest`: sets the columns that are not part of the key on the rows the key and the condition name. */
export function bulkUpdate<C extends Columns>(
  name: string,
  table: string,
  key: readonly (keyof C & string)[],
  columns: C,
  condition = 'true',
): Insert<C> {
  const set = Object.keys(columns).filter((column) => !key.includes(column));
  const update = statement<never>(
    name,
    `update ${table} t set ${set.map((column) => `${column} = x.${column}`).join(', ')}
     from (select ${values(columns).join(', ')} ${unnest(columns)}) x (${Object.keys(columns).join(', ')})
     where ${key.map((column) => `t.${column} = x.${column}`).join(' and ')} and ${condition}
       and ${inShard('t', oneShard(columns))}`,
  );
  return (connection, rows) => runBulk(connection, update, columns, rows);
}

// unnest would flatten an array of arrays, so lists travel as JSON text.
const isList = (type: string): boolean => type.endsWith('[]');

/** The parameter behind those of the columns: the one shard of all rows, if they share one (placement.ts). */
const oneShard = (columns: Columns): `$${number}` => `$${Object.keys(columns).length + 1}`;

const values = (columns: Columns): readonly string[] =>
  Object.entries(columns).map(([name, type]) => {
    if (name === 'shard') return `coalesce(${oneShard(columns)}::smallint, x.shard)`;
    return isList(type) ? `array(select json_array_elements_text(x.${name}::json))` : `x.${name}`;
  });

const unnest = (columns: Columns): string =>
  `from unnest(${Object.values(columns)
    .map((type, i) => `$${i + 1}::${isList(type) ? 'text' : type}[]`)
    .join(', ')}) x (${Object.keys(columns).join(', ')})`;

async function runBulk<C extends Columns>(
  connection: Connection,
  bulk: Statement<never>,
  columns: C,
  rows: readonly Readonly<Record<keyof C, unknown>>[],
): Promise<void> {
  if (rows.length === 0) return;
  const params = Object.entries(columns).map(([name, type]) => arrayOf(type, name, rows));
  const shards = rows.map((row) => row['shard'] as number);
  await connection.run(bulk, [...params, onlyShard(shards)]);
}

// Rows travel by the ten thousand a second, and the driver's way of writing arrays asks every value what it is.
function arrayOf(type: string, column: string, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const write = WRITERS[isList(type) ? 'list' : type];
  if (write === undefined)
    throw new Error(`invariant: ${column} is of type ${type}, which bulk writes do not know`);
  let text = '{';
  for (const [i, row] of rows.entries()) {
    const value = row[column];
    if (i > 0) text += ',';
    text += value === null || value === undefined ? 'NULL' : write(value);
  }
  return `${text}}`;
}

const plain = (value: unknown): string => String(value);
const quoted = (value: unknown): string => `"${(value as string).replaceAll(/["\\]/g, '\\$&')}"`;

/** How a value of each type stands in the text of an array; only what may hold anything needs quotes. */
const WRITERS: Readonly<Record<string, ((value: unknown) => string) | undefined>> = {
  ...{ smallint: plain, integer: plain, bigint: plain, numeric: plain, uuid: plain, timestamptz: plain },
  ...{ text: quoted, jsonb: quoted, list: (value) => quoted(JSON.stringify(value)) },
  bytea: (value) => `"\\\\x${Buffer.from(value as Uint8Array).toString('hex')}"`,
};
