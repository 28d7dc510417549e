import { statement, type Connection } from '../db/database.ts';

/** A write that a repeat of its key is answered with. */
export type RememberedWrite = {
  readonly method: string;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
};

type Row = { book_id: string; idempotency_key: string; method: string; request: Buffer; answer: Buffer };

const REMEMBERED = statement<Row>(
  'remembered_writes',
  `select w.book_id, w.idempotency_key, w.method, w.request, w.answer
   from unnest($2::uuid[], $3::text[]) named (book_id, key)
   join writes w on w.shard = $1 and w.book_id = named.book_id and w.idempotency_key = named.key`,
);

/** The writes made with some keys, by book and key. */
export async function loadRemembered(
  connection: Connection,
  shard: number,
  keys: readonly { readonly bookId: string; readonly idempotencyKey: string }[],
): Promise<ReadonlyMap<string, Map<string, RememberedWrite>>> {
  const books = new Map<string, Map<string, RememberedWrite>>();
  if (keys.length === 0) return books;
  const params = [shard, keys.map((k) => k.bookId), keys.map((k) => k.idempotencyKey)];
  for (const row of await connection.run(REMEMBERED, params)) {
    const remembered = books.get(row.book_id) ?? new Map<string, RememberedWrite>();
    books.set(row.book_id, remembered.set(row.idempotency_key, row));
  }
  return books;
}
