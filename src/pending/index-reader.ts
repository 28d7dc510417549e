import { codec, type Row } from '../db/codec.ts';
import { numeric, text, texts } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { booksOnce, ofNamed, PLACES, placesOf, type KnownBook, type Placed } from '../db/placement.ts';
import { CLASSES, latestEnds, OPEN } from '../db/span.ts';
import { NEVER, type Instant } from '../instant.ts';
import type { Promised, CreditPromise } from './promise.ts';
import { PROMISE, type PromiseRow } from './scheduled-grants.ts';

/**
 * The questions of domain.md §4, each one indexed statement that reads neither ledger nor grants. `version` is what
 * is known: a promise counts if it was known at that version.
 */

const PROMISED = codec<Promised>({ currency: text, featureKeys: texts, amount: numeric });

const KNOWN = {
  shard: 'smallint',
  bookId: 'bigint',
  at: 'timestamptz',
  classes: 'smallint[]',
  ends: 'timestamptz[]',
  version: 'bigint',
} as const;
const p = parameters(KNOWN);

// One short range of the span index per class of length; OPEN holds the promises whose end nobody knows.
const KNOWN_AT = `
  from unnest(${p.classes}, ${p.ends}) c (class, latest_end)
  join lateral (
    select * from scheduled_grants s
    where s.shard = ${p.shard} and s.book_id = ${p.bookId} and s.span_class = c.class
      and s.pending_until > ${p.at} and s.pending_until <= c.latest_end
      and s.pending_from <= ${p.at}
      and s.known_from <= ${p.version} and (s.known_until is null or s.known_until > ${p.version})
    offset 0
  ) s on true`;

const PENDING_AT = statement<Row<Promised>>(
  'pending_at',
  `select s.currency, s.feature_keys, sum(s.amount) as amount ${KNOWN_AT} group by s.currency, s.feature_keys`,
);

const now = parameters({ ...PLACES, at: 'timestamptz[]' });

// What is known now and ends later began before: nothing is recorded ahead of now. The upper bound says nothing, but
// tells the planner that the range is short.
const PENDING_NOW = statement<Row<Promised> & { book_id: number }>(
  'pending_now',
  `select named.book_id, s.currency, s.feature_keys, sum(s.amount) as amount
   from unnest(${now.shards}, ${now.bookIds}, ${now.at}) named (shard, book_id, at)
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
  const rows = await connection.run(PENDING_AT, bind(p, book, spansAt(at)));
  return rows.map(PROMISED.read);
}

/** The same for many books, each at an instant from its last write on and as known now; by book id. */
export async function promisedNow(
  connection: Connection,
  asked: readonly (Placed & { readonly asOf: Instant })[],
): Promise<ReadonlyMap<number, readonly Promised[]>> {
  if (asked.length === 0) return new Map();
  const books = booksOnce(asked);
  const at = books.map(({ asOf }) => asOf);
  const rows = await connection.run(PENDING_NOW, bind(now, placesOf(books), { at }));
  return Map.groupBy(
    rows.map((row) => ({ bookId: row.book_id, ...PROMISED.read(row) })),
    ({ bookId }) => bookId,
  );
}

const ofCurrency = parameters({ ...KNOWN, currency: 'text' });

const PROMISES_AT = statement<PromiseRow>(
  'promises_at',
  `select ${PROMISE.select('s')}
   ${KNOWN_AT} where s.currency = ${ofCurrency.currency} order by s.effective_at, s.grant_id`,
);

/** The same, promise by promise: those of one currency in order of taking effect. */
export async function promisesAt(
  connection: Connection,
  book: KnownBook,
  at: Instant,
  currency: string,
): Promise<readonly CreditPromise[]> {
  const rows = await connection.run(PROMISES_AT, bind(ofCurrency, book, spansAt(at), { currency }));
  return rows.map(PROMISE.read);
}

/** The next instant after `at` at which the book's pending changes by itself; NEVER if none is known. */
export async function nextChange(connection: Connection, book: KnownBook, at: Instant): Promise<Instant> {
  const [row] = await connection.run(NEXT_CHANGE, bind(p, book, spansAt(at)));
  return row?.next ?? NEVER;
}

const span = parameters({
  shard: 'smallint',
  bookId: 'bigint',
  after: 'timestamptz',
  at: 'timestamptz',
  classes: 'smallint[]',
  ends: 'timestamptz[]',
  version: 'bigint',
});

// Those that end there, and of those pending at its end the ones that began there: short ranges of the span index.
const CHANGING = statement<PromiseRow>(
  'promises_changing',
  `select ${PROMISE.select('s')} from unnest(${span.classes}, ${span.ends}) c (class, latest_end)
   join lateral (
     select * from scheduled_grants s
     where s.shard = ${span.shard} and s.book_id = ${span.bookId} and s.span_class = c.class
       and s.pending_until > ${span.after} and s.pending_until <= ${span.at}
       and s.known_from <= ${span.version} and (s.known_until is null or s.known_until > ${span.version})
     offset 0
   ) s on true
   union all
   select ${PROMISE.select('s')} from unnest(${span.classes}, ${span.ends}) c (class, latest_end)
   join lateral (
     select * from scheduled_grants s
     where s.shard = ${span.shard} and s.book_id = ${span.bookId} and s.span_class = c.class
       and s.pending_until > ${span.at} and s.pending_until <= c.latest_end
       and s.pending_from > ${span.after} and s.pending_from <= ${span.at}
       and s.known_from <= ${span.version} and (s.known_until is null or s.known_until > ${span.version})
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
  const rows = await connection.run(CHANGING, bind(span, book, spansAt(through), { after }));
  return rows.map(PROMISE.read);
}

const ALL_CLASSES = [...CLASSES, OPEN];

/** An instant with the ranges of the span index that may contain it. */
const spansAt = (at: Instant) => ({ at, classes: ALL_CLASSES, ends: [...latestEnds(at), NEVER] });
