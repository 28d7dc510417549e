import { codec, type Row, type Shape } from '../db/codec.ts';
import { arraysOf, bytea, columnsOf, inKey, optional, text } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { once } from '../db/once.ts';
import { inShard } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import { bookKeyText, namedBy, type BookKey } from './book-key.ts';

/** The only reader and writer of `idempotency`. */

/** A write that may have been done already: the key it was sent under, if any. */
type Keyed = { readonly key: BookKey; readonly idempotencyKey: string | null };

/** A success that a repeat of its key is answered with. */
export type Remembered = {
  readonly method: string;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
};

export type UsedKey = {
  readonly key: string;
  readonly remembered: Remembered;
  /** Of a success that took no version; null where a write tells of the key. */
  readonly hash: Buffer | null;
};

const ANSWERED: Shape<Omit<UsedKey, 'hash'>> = {
  key: inKey(text),
  remembered: { method: text, request: bytea, answer: bytea },
};
const ANSWER = codec(ANSWERED);
export const IDEMPOTENCY = tableOf<UsedKey>('idempotency', { ...ANSWERED, hash: optional(bytea) });

// By customer, so that it can be sent together with the lock of the books, and answered once that is held.
const BY_KEY = statement<Row<Omit<UsedKey, 'hash'>> & { namespace: string; customer_id: string }>(
  'remembered_by_key',
  `select named.namespace, named.customer_id, ${ANSWER.select('i')}
   from unnest($1::smallint[], $2::text[], $3::text[], $5::text[]) named (shard, namespace, customer_id, key)
   join lateral (
     select * from books b
     where b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
       and ${inShard('b', '$4')}
     offset 0
   ) b on true
   -- key by key: joined, all the keys of a busy customer would be read
   join lateral (
     select * from idempotency i
     where i.shard = named.shard and i.book_id = b.id and i.key = named.key and ${inShard('i', '$4')}
     offset 0
   ) i on true`,
);

const KEYS = columnsOf<Keyed>({ key: { ...optional(text), of: 'idempotencyKey' } });

/** The successes under some keys, by the text of the book's key and by key. */
export async function loadRemembered(
  connection: Connection,
  submissions: readonly Keyed[],
): Promise<ReadonlyMap<string, Map<string, Remembered>>> {
  const books = new Map<string, Map<string, Remembered>>();
  const keyed = once(
    submissions.filter(({ idempotencyKey }) => idempotencyKey !== null),
    ({ key, idempotencyKey }) => `${bookKeyText(key)}\0${idempotencyKey}`,
  );
  if (keyed.length === 0) return books;
  const params = [...namedBy(keyed.map(({ key }) => key)), ...arraysOf(KEYS, keyed)];
  for (const row of await connection.run(BY_KEY, params)) {
    const book = bookKeyText({ namespace: row.namespace, customerId: row.customer_id });
    const answer = ANSWER.read(row);
    books.set(book, (books.get(book) ?? new Map<string, Remembered>()).set(answer.key, answer.remembered));
  }
  return books;
}

/** The success under a key of one book; undefined where there is none. */
export const rememberedUnder = async (
  connection: Connection,
  key: BookKey,
  idempotencyKey: string,
): Promise<Remembered | undefined> =>
  (await loadRemembered(connection, [{ key, idempotencyKey }])).get(bookKeyText(key))?.get(idempotencyKey);

export const storeRemembered = IDEMPOTENCY.insert;
