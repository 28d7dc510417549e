import { statement, type Connection } from '../db/database.ts';
import type { KnownBook } from '../db/placement.ts';
import { CLASSES, latestEnds, OPEN } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { NEVER, type Instant } from '../instant.ts';
import type { CreditPromise } from './promise.ts';
import { PROMISE, type PromiseRow } from './scheduled-grants.ts';

// Those that end there, and of those pending at its end the ones that began there: short ranges of the span index.
const CHANGING = statement<PromiseRow>(
  'promises_changing',
  `select ${PROMISE.select('s')} from unnest($5::smallint[], $6::timestamptz[]) c (class, latest_end)
   join lateral (
     select * from scheduled_grants s
     where s.shard = $1 and s.book_id = $2 and s.span_class = c.class
       and s.pending_until > $3 and s.pending_until <= $4
       and s.known_from <= $7 and (s.known_until is null or s.known_until > $7)
     offset 0
   ) s on true
   union all
   select ${PROMISE.select('s')} from unnest($5::smallint[], $6::timestamptz[]) c (class, latest_end)
   join lateral (
     select * from scheduled_grants s
     where s.shard = $1 and s.book_id = $2 and s.span_class = c.class
       and s.pending_until > $4 and s.pending_until <= c.latest_end
       and s.pending_from > $3 and s.pending_from <= $4
       and s.known_from <= $7 and (s.known_until is null or s.known_until > $7)
     offset 0
   ) s on true`,
);

/** The promises known at a version that begin or end after one instant and by another, in no particular order. */
export async function promisesChanging(
  connection: Connection,
  book: KnownBook,
  after: Instant,
  through: Instant,
): Promise<readonly CreditPromise[]> {
  const rows = await connection.run(CHANGING, [
    book.shard,
    book.bookId,
    timestamp(after),
    timestamp(through),
    [...CLASSES, OPEN],
    [...latestEnds(through), NEVER].map(timestamp),
    book.version,
  ]);
  return rows.map(PROMISE.read);
}
