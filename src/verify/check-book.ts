import { statement, type Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { shardOf, type BookKey } from '../tables/book-key.ts';
import { nameOf, type Book } from './book-set.ts';
import { differences, finding, type Finding } from './finding.ts';

/** A row of `books`. */
export type StoredBook = Book & {
  readonly key: BookKey;
  /** For whom it was made; null: it was not registered. */
  readonly registered: BookKey | null;
  readonly version: number;
  readonly clock: Instant;
  readonly headHash: Buffer;
  readonly nextEventAt: Instant;
  readonly feedPosition: number;
  readonly currencies: Readonly<Record<string, number>>;
};

type Row = {
  id: string;
  namespace: string;
  customer_id: string;
  version: number;
  clock: Instant;
  head_hash: Buffer;
  next_event_at: Instant;
  feed_position: number;
  currencies: Record<string, number>;
  registered_namespace: string | null;
  registered_customer_id: string | null;
};

const BOOK = statement<Row>(
  'book_to_verify',
  `select b.id, b.namespace, b.customer_id, b.version, b.clock, b.head_hash, b.next_event_at, b.feed_position,
          b.currencies, r.namespace as registered_namespace, r.customer_id as registered_customer_id
   from books b
   left join book_register r on r.shard = b.shard and r.book_id = b.id
   where b.shard = $1 and b.id = $2`,
);

/** Null: it cannot be read, or is gone. */
export async function readBook(connection: Connection, { shard, id }: Book): Promise<StoredBook | null> {
  const [row] = await connection.run(BOOK, [shard, id]);
  if (row === undefined) return null;
  const { version, clock, head_hash: headHash, next_event_at: nextEventAt, currencies } = row;
  const [namespace, customerId] = [row.registered_namespace, row.registered_customer_id];
  return {
    key: { namespace: row.namespace, customerId: row.customer_id },
    registered: namespace === null || customerId === null ? null : { namespace, customerId },
    ...{ shard, id, version, clock, headHash, nextEventAt, feedPosition: row.feed_position, currencies },
  };
}

/** A book against the register: made for whom it is now, and where it belongs. */
export function checkRegistered({ key, registered, shard, id, version }: StoredBook): Finding[] {
  const is = nameOf(key);
  const found = (expected: string, actual: string, message: string) => [
    finding('BOOK_REGISTER', { version }, expected, actual, `the book ${id} ${message}`),
  ];
  if (registered === null) return found(is, 'none', `of ${is} is not in the register of books`);
  const made = nameOf(registered);
  if (made !== is) return found(made, is, `was made for ${made}, and is of ${is} now`);
  if (shardOf(key) === shard) return [];
  const message = `of ${is} lies in shard ${shard}, where nobody looks for it`;
  return found(`shard ${shardOf(key)}`, `shard ${shard}`, message);
}

/** What a book's row says beside its head hash, which is the journal's business. */
type Said = Pick<StoredBook, 'version' | 'clock' | 'nextEventAt' | 'feedPosition' | 'currencies'>;

/** The row of a book against what its writes, grants and charges give. */
export function checkBook(book: StoredBook, facts: Said): Finding[] {
  const { version, key } = book;
  const values = ({ clock, feedPosition, nextEventAt, currencies, ...said }: Said) => ({
    // A book ahead of its writes has a gap, which the journal tells of; these are of a write that is missing.
    ...(facts.version >= version && { version: said.version, clock_at: clock, feed_position: feedPosition }),
    next_event_at: nextEventAt,
    currencies: Object.entries(currencies)
      .map(([code, since]) => `${code} since version ${since}`)
      .toSorted()
      .join(', '),
  });
  const what = `the book of ${key.customerId}`;
  return differences('PROJECTION', { version }, what, values(facts), values(book));
}
