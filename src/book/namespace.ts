import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Instant } from '../instant.ts';
import { SHARDS } from '../tables/book-key.ts';
import { dueThen } from './due-then.ts';
import {
  isHistory,
  placed,
  placedColumns,
  viewOf,
  type Moment,
  PLACED_BOOK,
  type PlacedBook,
  type WrittenView,
} from './view.ts';

/** Books a question holds in memory at a time: enough that statements are few, and far below what memory minds. */
const BATCH = 500;

/** A book of a namespace. `due`: something may fall due between what is booked and the instant asked about. */
export type NamespaceBook = { readonly view: WrittenView; readonly due: boolean };

const p = parameters({
  shard: 'smallint',
  namespace: 'text',
  after: 'text',
  asOf: 'timestamptz',
  knownAt: 'timestamptz',
  limit: 'bigint',
} as const);

const PAGE = statement<Row<PlacedBook> & { customer_id: string }>(
  'books_of_namespace',
  `select ${placedColumns(p)}, b.customer_id
   from (
     select * from books b
     where b.shard = ${p.shard} and b.namespace = ${p.namespace} and b.customer_id > ${p.after} and b.version > 0
     order by b.customer_id limit ${p.limit}
   ) b
   ${placed(p)}
   order by b.customer_id`,
);

/**
 * Every book of a namespace that is known at the moment, placed there, in batches of one shard each. `time` is what the
 * clock says; where nothing is asked, each book is at its own now, which may be later. Reads as it is asked for, so
 * memory does not grow with the namespace.
 */
export async function* booksOfNamespace(
  connection: Connection,
  namespace: string,
  moment: Moment,
  time: Instant,
): AsyncGenerator<{ readonly shard: number; readonly books: readonly NamespaceBook[] }> {
  for (let shard = 0; shard < SHARDS; shard += 1) {
    let after = '';
    let full: boolean;
    do {
      const rows = await connection.run(PAGE, bind(p, moment, { shard, namespace, after, limit: BATCH }));
      full = rows.length === BATCH;
      after = rows.at(-1)?.customer_id ?? after;
      const found = rows.flatMap((row) => {
        const key = { namespace, customerId: row.customer_id };
        const view = viewOf(PLACED_BOOK.read(row), { key, shard, moment, time });
        return view.bookId === null ? [] : [view];
      });
      // When an earlier version had its next event is not stored with the book: its grants tell.
      const then = found.filter((view) => !view.current && !isHistory(view));
      const due = await dueThen(connection, shard, then);
      const books = found.map((view) => ({
        view,
        due: view.current ? !isHistory(view) && view.nextDueAt! <= view.asOf : due.has(view.bookId),
      }));
      if (books.length > 0) yield { shard, books };
    } while (full);
  }
}
