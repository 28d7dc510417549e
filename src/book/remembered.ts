import { bulkInsert } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';

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
   from unnest($2::uuid[], $3::text[]) named (book_id, key)
   join idempotency i on i.shard = $1 and i.book_id = named.book_id and i.key = named.key`,
);

/** The successes under some keys, by book and key. */
export async function loadRemembered(
  connection: Connection,
  shard: number,
  keys: readonly { readonly bookId: string; readonly idempotencyKey: string }[],
): Promise<ReadonlyMap<string, Map<string, Remembered>>> {
  const books = new Map<string, Map<string, Remembered>>();
  if (keys.length === 0) return books;
  const params = [shard, keys.map((k) => k.bookId), keys.map((k) => k.idempotencyKey)];
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
  shard: number,
  made: readonly { readonly bookId: string; readonly key: string; readonly remembered: Remembered }[],
): Promise<void> =>
  insertRemembered(
    connection,
    made.map(({ bookId, key, remembered }) => ({ shard, book_id: bookId, key, ...remembered })),
  );
