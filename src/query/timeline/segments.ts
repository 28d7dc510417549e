import { statement, type Connection, type Statement } from '../../db/database.ts';
import { timestamp } from '../../db/types.ts';
import type { Instant } from '../../instant.ts';
import type { PastBook } from '../../book/open-then.ts';

/** A piece of a book's past that is small enough to be held in memory. */
export type Segment = {
  /** Inclusive. */
  readonly through: Instant;
  /** The last known version recorded by then. */
  readonly throughVersion: number;
};

type Row = { through: Instant; version: number | null };

const nth = (column: string, table: string, order: string): string => `
  (select ${column} from ${table} where shard = $1 and book_id = $2 and ${column} > $4
   order by ${order} offset $6 limit 1)`;
const NTH_WRITE = nth('recorded_at', 'writes', 'recorded_at, version');
const NTH_TRANSACTION = nth('booked_at', 'transactions', 'booked_at, version, ordinal');

// A segment goes on to the last millisecond before the instant with which it would be too large, or a millisecond.
// "offset 0" keeps that bound from being found again wherever it is named.
const next = (name: string, tooLarge: string): Statement<Row> =>
  statement(
    name,
    `select s.through, (
       select w.version from writes w
       where w.shard = $1 and w.book_id = $2 and w.recorded_at <= s.through and w.version <= $3
       order by w.recorded_at desc, w.version desc limit 1
     ) as version
     from (
       select least($5::timestamptz, greatest(
         $4::timestamptz + interval '1 ms',
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
  { shard, bookId, version }: PastBook,
  { after, end, size, ledger }: SegmentQuestion,
): Promise<Segment> {
  const params = [shard, bookId, version, timestamp(after), timestamp(end), size];
  const [row] = await connection.run(ledger ? OF_ENTRIES : OF_WRITES, params);
  return { through: row!.through, throughVersion: row!.version ?? 0 };
}
