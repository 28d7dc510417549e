import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { booksOnce, ofNamed, placesOf, type KnownBook, type Placed } from '../db/placement.ts';
import { CLASSES, latestEnds, OPEN } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { NEVER, type Instant } from '../instant.ts';
import type { Promised, CreditPromise } from './promise.ts';
import { PROMISE, type PromiseRow } from './scheduled-grants.ts';

/**
 * The questions of domain.md §4, each one indexed statement that reads neither ledger nor grants. `version` is what
 * is known: a promise counts if it was known at that version.
 */

type PromisedRow = { currency: string; feature_keys: string[]; amount: Amount };

// One short range of the span index per class of length; OPEN holds the promises whose end nobody knows.
const KNOWN_AT = `
  from unnest($4::smallint[], $5::timestamptz[]) c (class, latest_end)
  join lateral (
    select * from scheduled_grants s
    where s.shard = $1 and s.book_id = $2 and s.span_class = c.class
      and s.pending_until > $3 and s.pending_until <= c.latest_end
      and s.pending_from <= $3
      and s.known_from <= $6 and (s.known_until is null or s.known_until > $6)
    offset 0
  ) s on true`;

const PENDING_AT = statement<PromisedRow>(
  'pending_at',
  `select s.currency, s.feature_keys, sum(s.amount) as amount ${KNOWN_AT} group by s.currency, s.feature_keys`,
);

// What is known now and ends later began before: nothing is recorded ahead of now. The upper bound says nothing, but
// tells the planner that the range is short.
const PENDING_NOW = statement<PromisedRow & { book_id: string }>(
  'pending_now',
  `select named.book_id, s.currency, s.feature_keys, sum(s.amount) as amount
   from unnest($1::smallint[], $2::uuid[], $4::timestamptz[]) named (shard, book_id, at)
   ${ofNamed('scheduled_grants', 's', "s.known_until is null and s.pending_until > named.at and s.pending_until <= 'infinity'")}
   group by named.book_id, s.currency, s.feature_keys`,
);

const NEXT_CHANGE = statement<{ next: Instant | null }>(
  'pending_next_change',
  `select min(s.pending_until) as next ${KNOWN_AT}`,
);

/** What is promised at an instant, by currency and feature keys; its currencies are the pending currencies. */
export async function promisedAt(
  connection: Connection,
  book: KnownBook,
  at: Instant,
): Promise<readonly Promised[]> {
  const rows = await connection.run(PENDING_AT, knownAt(book, at));
  return rows.map(promisedOf);
}

/** The same for many books, each at an instant from its last write on and as known now; by book id. */
export async function promisedNow(
  connection: Connection,
  asked: readonly (Placed & { readonly asOf: Instant })[],
): Promise<ReadonlyMap<string, readonly Promised[]>> {
  if (asked.length === 0) return new Map();
  const books = booksOnce(asked);
  const rows = await connection.run(PENDING_NOW, [
    ...placesOf(books),
    books.map(({ asOf }) => timestamp(asOf)),
  ]);
  return Map.groupBy(
    rows.map((row) => ({ bookId: row.book_id, ...promisedOf(row) })),
    ({ bookId }) => bookId,
  );
}

const promisedOf = (row: PromisedRow): Promised => ({
  currency: row.currency,
  featureKeys: row.feature_keys,
  amount: row.amount,
});

const PROMISES_AT = statement<PromiseRow>(
  'promises_at',
  `select ${PROMISE.select('s')}
   ${KNOWN_AT} where s.currency = $7 order by s.effective_at, s.grant_id`,
);

/** The same, promise by promise: those of one currency in order of taking effect. */
export async function promisesAt(
  connection: Connection,
  book: KnownBook,
  at: Instant,
  currency: string,
): Promise<readonly CreditPromise[]> {
  const rows = await connection.run(PROMISES_AT, [...knownAt(book, at), currency]);
  return rows.map(PROMISE.read);
}

/** The next instant after `at` at which the book's pending changes by itself; NEVER if none is known. */
export async function nextChange(connection: Connection, book: KnownBook, at: Instant): Promise<Instant> {
  const [row] = await connection.run(NEXT_CHANGE, knownAt(book, at));
  return row?.next ?? NEVER;
}

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
  const [shard, bookId, end, ...known] = knownAt(book, through);
  const rows = await connection.run(CHANGING, [shard, bookId, timestamp(after), end, ...known]);
  return rows.map(PROMISE.read);
}

const ALL_CLASSES = [...CLASSES, OPEN];

const knownAt = (book: KnownBook, at: Instant): readonly unknown[] => [
  book.shard,
  book.bookId,
  timestamp(at),
  ALL_CLASSES,
  [...latestEnds(at), NEVER].map(timestamp),
  book.version,
];
