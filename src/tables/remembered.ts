import { codec, type Row, type Shape } from '../db/codec.ts';
import { arraysOf, bytea, columnsOf, inKey, optional, text, timestamptz } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { once } from '../db/once.ts';
import { inShard } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import type { Answered } from '../ledger/writes.ts';
import { bookKeyText, namedBy, type BookKey } from './book-key.ts';

/**
 * The only reader of what was asked and answered under keys: a write that took a version tells of its own, and
 * `idempotency`, of which this is the only writer, of successes that took none. A key of a book is in one place at most,
 * as the book's lock is held from looking a key up until the answer is stored.
 */

/** A write that may have been done already: the key it was sent under, if any. */
type Keyed = { readonly key: BookKey; readonly idempotencyKey: string | null };

/** A success that a repeat of its key is answered with. */
export type Remembered = Answered & { readonly method: string };

/** The key of a success that took no version. */
export type UsedKey = {
  readonly key: string;
  readonly remembered: Remembered;
  /** When; of those of before this was told, not later than then. */
  readonly recordedAt: Instant;
  /** Null: it was remembered before answers had one. */
  readonly hash: Buffer | null;
};

type Told = Pick<UsedKey, 'key' | 'remembered'>;
const ANSWERED: Shape<Told> = {
  key: inKey(text),
  remembered: { method: text, request: bytea, answer: bytea },
};
const ANSWER = codec(ANSWERED);
export const IDEMPOTENCY = tableOf<UsedKey>('idempotency', {
  ...ANSWERED,
  recordedAt: timestamptz,
  hash: optional(bytea),
});

/** The row of a write as that of its key; it has one where it has a request, which what is forgotten has not. */
const OF_WRITE = 'w.idempotency_key as key, w.method, w.request, w.answer';

// By customer, so that it can be sent together with the lock of the books, and answered once that is held.
const BY_KEY = statement<Row<Told> & { namespace: string; customer_id: string }>(
  'remembered_by_key',
  `select named.namespace, named.customer_id, ${ANSWER.select('used')}
   from unnest($1::smallint[], $2::text[], $3::text[], $5::text[]) named (shard, namespace, customer_id, key)
   join lateral (
     select * from books b
     where b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
       and ${inShard('b', '$4')}
     offset 0
   ) b on true
   -- key by key: joined, all the keys of a busy customer would be read
   join lateral (
     select ${OF_WRITE} from writes w
     where w.shard = named.shard and w.book_id = b.id and w.idempotency_key = named.key and w.request is not null
       and ${inShard('w', '$4')}
     union all
     select ${ANSWER.select('i')} from idempotency i
     where i.shard = named.shard and i.book_id = b.id and i.key = named.key and ${inShard('i', '$4')}
     offset 0
   ) used on true`,
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
