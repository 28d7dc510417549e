import type { KnownBook } from '../../db/placement.ts';
import { statement, type Connection, type Statement } from '../../db/database.ts';
import { bind, parameters } from '../../db/parameters.ts';
import type { Instant } from '../../instant.ts';
import { KNOWN_BOOK, versionAt } from '../../ledger/as-of.ts';

/** A piece of a book's past that is small enough to be held in memory. */
export type Segment = {
  /** Inclusive. */
  readonly through: Instant;
  /** The last known version recorded by then; 0: none. */
  readonly throughVersion: number;
};

const p = parameters({ ...KNOWN_BOOK, after: 'timestamptz', end: 'timestamptz', size: 'integer' });

const nth = (column: string, table: string, order: string): string => `
  (select ${column} from ${table} where shard = ${p.shard} and book_id = ${p.bookId} and ${column} > ${p.after}
   order by ${order} offset ${p.size} limit 1)`;
const NTH_WRITE = nth('recorded_at', 'writes', 'recorded_at, version');
const NTH_TRANSACTION = nth('booked_at', 'transactions', 'booked_at, version, ordinal');

// A segment goes on to the last millisecond before the instant with which it would be too large, or a millisecond.
// "offset 0" keeps that bound from being found again wherever it is named.
const next = (name: string, tooLarge: string): Statement<Segment> =>
  statement(
    name,
    `select s.through, ${versionAt({ ...p, asOf: 's.through', where: `w.version <= ${p.version}` })} as "throughVersion"
     from (
       select least(${p.end}, greatest(
         ${p.after} + interval '1 ms',
         coalesce(least(${tooLarge}) - interval '1 ms', 'infinity')
       )) as through
       offset 0
     ) s`,
  );

const OF_WRITES = next('segment_of_writes', NTH_WRITE);
const OF_ENTRIES = next('segment_of_entries', `${NTH_WRITE}, ${NTH_TRANSACTION}`);

export type SegmentQuestion = {
  /** Exclusive. */
  readonly after: Instant;
  /** Inclusive; the segment ends there at the latest. */
  readonly end: Instant;
  /** How many writes, and how many transactions, it holds at most; more only where they share one instant. */
  readonly size: number;
  /** Whether transactions count; without, the journal is not asked. */
  readonly ledger: boolean;
};

/** The next segment of a book's past, at least a millisecond long. */
export async function nextSegment(
  connection: Connection,
  book: KnownBook,
  question: SegmentQuestion,
): Promise<Segment> {
  const which = question.ledger ? OF_ENTRIES : OF_WRITES;
  return (await connection.run(which, bind(p, book, question)))[0]!;
}
