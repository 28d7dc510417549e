import { statement, type Connection } from '../db/database.ts';

/** Values read in the order of a key, each once. */
export type Cursor<Value> = {
  /** Those up to a key that nobody has had yet, in pages. */
  upTo(key: string | number): AsyncGenerator<readonly Value[], void, undefined>;
};

/** Opens one within a transaction, as cursors are. */
export type OpenCursor<Value> = (
  connection: Connection,
  params: readonly unknown[],
) => Promise<Cursor<Value>>;

const PAGE = 1_000;

/** The rows of a select that says their order: Postgres sorts once, and nobody keeps more than a page of them. */
// oxlint-disable-next-line no-unnecessary-type-parameters -- ties what is read to what is selected
export function cursor<Row, Value>(
  name: string,
  select: string,
  read: (row: Row) => Value,
  keyOf: (value: Value) => string | number,
): OpenCursor<Value> {
  const declare = statement<never>(`declare_${name}`, `declare ${name} no scroll cursor for ${select}`);
  const fetch = statement<Row>(`fetch_${name}`, `fetch ${PAGE} from ${name}`);
  return async (connection, params) => {
    await connection.run(declare, params);
    let values: Value[] = [];
    let ended = false;
    return {
      async *upTo(key) {
        for (;;) {
          const next = values.findIndex((value) => keyOf(value) > key);
          yield values.splice(0, next === -1 ? values.length : next);
          if (next !== -1 || ended) return;
          const rows = await connection.run(fetch);
          ended = rows.length === 0;
          values = rows.map(read);
        }
      },
    };
  };
}

/** All of them at once. */
export async function everyUpTo<Value>(from: Cursor<Value>, key: string | number): Promise<readonly Value[]> {
  const values: Value[] = [];
  for await (const page of from.upTo(key)) values.push(...page);
  return values;
}
