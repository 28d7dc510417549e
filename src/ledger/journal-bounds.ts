import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook, Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import { KNOWN_BOOK, versionAt } from './as-of.ts';
import { lateVersions } from './late-entries.ts';
import { askedById, NAMED_BY_ID, rowAsked } from './transaction-id.ts';

/** Where in version order the rows lie that a filter asks for, so that a page walks only there. */

const window = parameters({ ...KNOWN_BOOK, before: 'timestamptz', last: 'timestamptz' } as const);

// Nothing is booked ahead of its recording: what is booked from an instant on was recorded after all before it, and
// what is booked before another was recorded before it, too, or late.
const BOUNDS = statement<{ after: number; until: number }>(
  'journal_bounds',
  `select known.before as after, greatest(known.last, late.version) as until
   from (
     select ${versionAt({ ...window, asOf: window.before })} as before, ${versionAt({ ...window, asOf: window.last })} as last
     offset 0
   ) known
   cross join lateral (
     select max(late.version) as version from (${lateVersions({ ...window, recordedBy: 'known.last', asOf: window.last })}) late
   ) late`,
);

/** The versions that can have recorded what is booked in `[from, to)`: those after the one and up to the other. */
export async function boundsOf(
  connection: Connection,
  book: KnownBook,
  from: Instant,
  to: Instant,
): Promise<{ readonly after: number; readonly until: number }> {
  const values = bind(window, book, { before: from - 1, last: to - 1 });
  const [row] = await connection.run(BOUNDS, values);
  return { after: row!.after, until: Math.min(row!.until, book.version) };
}

const named = parameters({ shard: 'smallint', bookId: 'bigint', ...NAMED_BY_ID });

const PLACE = statement<{ version: number; ordinal: number }>(
  'place_of_transaction',
  `select t.version, t.ordinal from (${rowAsked(named)}) t`,
);

/** Where a transaction stands; null if the book has none such. */
export async function placeOfTransaction(
  connection: Connection,
  book: Placed,
  transactionId: string,
): Promise<{ readonly version: number; readonly ordinal: number } | null> {
  return (await connection.run(PLACE, bind(named, book, askedById(book, transactionId))))[0] ?? null;
}
