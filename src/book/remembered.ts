import { bulkInsert } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { ofNamed, placesOf, type Placed } from '../db/placement.ts';

/** The only reader and writer of `idempotency`. */

/** A success that a repeat of its key is answered with. */
export type Remembered = {
  readonly method: string;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
};

type Row = { book_id: string; key: string; method: string; request: Buffer; answer: Buffer };

const BY_KEY = statement<Row>(
  'remembered_by_key',
  `select i.book_id, i.key, i.method, i.request, i.answer
   from unnest($1::smallint[], $2::uuid[], $4::text[]) named (shard, book_id, key)
   ${ofNamed('idempotency', 'i', 'i.key = named.key')}`,
);

/** The successes under some keys, by book and key. */
export async function loadRemembered(
  connection: Connection,
  keys: readonly (Placed & { readonly idempotencyKey: string })[],
): Promise<ReadonlyMap<string, Map<string, Remembered>>> {
  const books = new Map<string, Map<string, Remembered>>();
  if (keys.length === 0) return books;
  const params = [...placesOf(keys), keys.map((k) => k.idempotencyKey)];
  for (const row of await connection.run(BY_KEY, params)) {
    const remembered = books.get(row.book_id) ?? new Map<string, Remembered>();
    books.set(row.book_id, remembered.set(row.key, row));
  }
  return books;
}

const insertRemembered = bulkInsert('idempotency', {
  shard: 'smallint',
  book_id: 'uuid',
  key: 'text',
  method: 'text',
  request: 'bytea',
  answer: 'bytea',
});

export const storeRemembered = (
  connection: Connection,
  made: readonly (Placed & { readonly key: string; readonly remembered: Remembered })[],
): Promise<void> =>
  insertRemembered(
    connection,
    made.map(({ shard, bookId, key, remembered }) => ({ shard, book_id: bookId, key, ...remembered })),
  );
