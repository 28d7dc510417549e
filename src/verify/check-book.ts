import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { shardOf, type BookKey } from '../tables/book-key.ts';
import { BOOKS, type WholeBookRow } from '../tables/books.ts';
import { nameOf, type BookPlace } from './book-set.ts';
import { differences, finding, type Finding } from './finding.ts';

/** A book as it stands in its row, and for whom it was made; null: it was not registered. */
export type RegisteredBook = WholeBookRow & { readonly registered: BookKey | null };

const BOOK = statement<
  Row<WholeBookRow> & { registered_namespace: string | null; registered_customer_id: string | null }
>(
  'book_to_verify',
  `select ${BOOKS.select('b')}, r.namespace as registered_namespace, r.customer_id as registered_customer_id
   from books b
   left join book_register r on r.shard = b.shard and r.book_id = b.id
   where b.shard = $1 and b.id = $2`,
);

/** Null: it cannot be read, or is gone. */
export async function readBook(
  connection: Connection,
  { shard, id }: BookPlace,
): Promise<RegisteredBook | null> {
  const [row] = await connection.run(BOOK, [shard, id]);
  if (row === undefined) return null;
  const { registered_namespace: namespace, registered_customer_id: customerId } = row;
  const registered = namespace === null || customerId === null ? null : { namespace, customerId };
  return { ...BOOKS.read(row), registered };
}

/** A book against the register: made for whom it is now, and where it belongs. */
export function checkRegistered({ key, registered, shard, id, version }: RegisteredBook): Finding[] {
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
type Said = Pick<WholeBookRow, 'version' | 'clock' | 'nextEventAt' | 'feedPosition' | 'currencies'>;

/** The row of a book against what its writes, grants and charges give. */
export function checkBook(book: RegisteredBook, facts: Said): Finding[] {
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
