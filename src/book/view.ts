import type { DatabaseClock } from '../db/clock.ts';
import { codec, ifAny, type Row, type Shape } from '../db/codec.ts';
import { as, bigint, optional, timestamptz } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { inShard } from '../db/placement.ts';
import { ALWAYS, earlier, later, type Instant } from '../instant.ts';
import { versionAt, writeAt } from '../ledger/as-of.ts';
import { namedBy, shardOf, type BookKey } from '../tables/book-key.ts';
import { BOOK, type WholeBookRow } from '../tables/books.ts';

/** When a question is about, on both axes; null: now, and all that is known. */
export type Moment = {
  readonly asOf: Instant | null;
  readonly knownAt: Instant | null;
  /** Of the versions recorded by `knownAt` none after this one: several may be of one millisecond. Absent: all. */
  readonly lastVersion?: number;
};

export const NOW: Moment = { asOf: null, knownAt: null };

/**
 * A book as a question sees it: which version of it is known, and how far the journal of that version reaches. Its id is
 * null where nobody has written about the customer yet, as far as known.
 */
export type BookView = (Placing & { readonly bookId: null }) | WrittenView;

/** One that somebody has written about. */
export type WrittenView = Placing & { readonly bookId: number };

/** Whether somebody has written about it. */
export const isWritten = (view: BookView): view is WrittenView => view.bookId !== null;

type Placing = {
  readonly key: BookKey;
  readonly shard: number;
  /** The instant asked about. */
  readonly asOf: Instant;
  /** Where none was asked for: when the version known was recorded, so that asking again gives the same. */
  readonly knownAt: Instant;
  readonly now: Instant;
  /** The last version known; 0 before the first write. */
  readonly version: number;
  /** When it was recorded: everything due up to here is in the journal, what comes later is computed. */
  readonly clock: Instant;
  /** When something falls due next, in the latest version; null where another is known. */
  readonly nextDueAt: Instant | null;
  /** The last version there is, known at `knownAt` or not. */
  readonly latest: number;
  /** Whether the version known is the latest, whose open state stands in the projections. */
  readonly current: boolean;
  /** The last known version recorded at or before `asOf`; only of use when `asOf` lies before `clock`. */
  readonly recordedBy: number;
  /** Each currency of a grant, charge or adjustment known, sorted. */
  readonly currencies: readonly string[];
  /** What tells the latest state from any other; null before the first write, as far as known. */
  readonly headHash: Buffer | null;
};

/** What a question needs of a book's row. */
type FoundBook = Pick<WholeBookRow, 'id' | 'version' | 'clock' | 'headHash' | 'nextEventAt' | 'currencies'>;

const FOUND: Shape<FoundBook> = {
  id: BOOK.id,
  version: BOOK.version,
  clock: BOOK.clock,
  headHash: BOOK.headHash,
  nextEventAt: BOOK.nextEventAt,
  currencies: BOOK.currencies,
};

/** The versions that a question finds in a book. */
export type PlacedBook = {
  /** Null: there is none. */
  readonly book: FoundBook | null;
  /** Null: none is known, or not asked for. */
  readonly known: { readonly version: number; readonly clock: Instant } | null;
  readonly recordedBy: number | null;
};

export const PLACED_BOOK = codec<PlacedBook>({
  book: ifAny(FOUND),
  known: ifAny({ version: as('known_version', bigint), clock: as('known_clock', timestamptz) }),
  recordedBy: optional(bigint),
});

type Placed = Readonly<Record<'shard' | 'asOf' | 'knownAt', string>>;

/** Of a placed row of `books`, `b`: what {@link PLACED_BOOK} reads. */
export const placedColumns = ({ shard, asOf }: Placed): string => `
  ${codec(FOUND).select('b')}, known.version as known_version,
  known.recorded_at as known_clock, case when ${asOf} < b.clock then ${versionAt({ shard, bookId: 'b.id', asOf })} end as recorded_by`;

/** Places a question in a row `b` of `books`; `asOf` and `knownAt` are null for now. */
export const placed = ({ shard, knownAt }: Placed, where = 'true'): string => `
   left join lateral (${writeAt({ shard, bookId: 'b.id', asOf: knownAt, where })}) known on ${knownAt} is not null`;

const p = parameters({
  shard: 'smallint',
  namespace: 'text',
  customerId: 'text',
  asOf: 'timestamptz',
  knownAt: 'timestamptz',
  lastVersion: 'bigint',
});

const LOCATE = statement<Row<PlacedBook> & { now: Instant }>(
  'locate_book',
  `select t.now, ${placedColumns(p)}
   from (select date_trunc('milliseconds', clock_timestamp()) as now) t
   left join books b on b.shard = ${p.shard} and b.namespace = ${p.namespace} and b.customer_id = ${p.customerId}
     and b.version > 0
   ${placed(p, `(${p.lastVersion} is null or w.version <= ${p.lastVersion})`)}`,
);

/** Finds a customer's book and places the question on both of its axes: one statement. */
export async function locate(
  connection: Connection,
  clock: DatabaseClock,
  key: BookKey,
  moment: Moment,
): Promise<BookView> {
  const shard = shardOf(key);
  const { lastVersion = null, ...axes } = moment;
  const [row] = await connection.run(LOCATE, bind(p, key, axes, { shard, lastVersion }));
  return viewOf(PLACED_BOOK.read(row!), { key, shard, moment, time: clock.reads(row!.now) });
}

/** A book as a question sees it; `time` is what the clock says. */
export function viewOf(
  { book, known, recordedBy }: PlacedBook,
  asking: { readonly key: BookKey; readonly shard: number; readonly moment: Moment; readonly time: Instant },
): BookView {
  const { key, shard, moment, time } = asking;
  const now = later(time, book?.clock ?? ALWAYS);
  const asOf = moment.asOf ?? now;
  // Not now: a write under way has been given its instant already, and will be there when this is asked again.
  const knownAt = moment.knownAt ?? book?.clock ?? now;
  const latest = book?.version ?? 0;
  const last = moment.knownAt === null ? book : known;
  // All at once, and not one from another: most questions take little more than this.
  if (book === null || last === null)
    return {
      key,
      shard,
      bookId: null,
      asOf,
      knownAt,
      now,
      version: 0,
      clock: ALWAYS,
      nextDueAt: null,
      latest,
      current: true,
      recordedBy: 0,
      currencies: [],
      headHash: null,
    };
  const { currencies } = book;
  const current = last.version === latest;
  return {
    key,
    shard,
    bookId: book.id,
    asOf,
    knownAt,
    now,
    version: last.version,
    clock: current ? book.clock : last.clock,
    nextDueAt: current ? book.nextEventAt : null,
    latest,
    current,
    recordedBy: earlier(recordedBy ?? 0, last.version),
    currencies: Object.keys(currencies)
      .filter((code) => currencies[code]! <= last.version)
      .toSorted(),
    headHash: book.headHash,
  };
}

const NOW_BOOK = codec<{ readonly book: FoundBook | null }>({ book: ifAny(FOUND) });

const LOCATE_NOW = statement<Row<{ readonly book: FoundBook | null }> & { now: Instant; place: number }>(
  'locate_books_now',
  `select date_trunc('milliseconds', clock_timestamp()) as now, named.place, ${codec(FOUND).select('b')}
   from unnest($1::smallint[], $2::text[], $3::text[]) with ordinality named (shard, namespace, customer_id, place)
   left join lateral (
     select * from books b
     where b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
       and b.version > 0 and ${inShard('b', '$4')}
     offset 0
   ) b on true`,
);

/** What the latest state of a book that somebody has written about is kept by, and where its rows lie. */
export const markOf = ({ bookId, shard, version, clock, headHash, asOf }: WrittenView) => ({
  id: bookId,
  shard,
  version,
  clock,
  headHash: headHash!,
  asOf,
});

/** Finds many customers' books as they are now: one statement. In the order of the keys. */
export async function locateNow(
  connection: Pick<Connection, 'run'>,
  clock: DatabaseClock,
  asked: readonly { readonly key: BookKey }[],
): Promise<readonly BookView[]> {
  const keys = asked.map(({ key }) => key);
  const shards = keys.map(shardOf);
  const rows = await connection.run(LOCATE_NOW, namedBy(keys, shards));
  const time = clock.reads(Math.max(...rows.map((row) => row.now)));
  const views: BookView[] = Array.from({ length: rows.length });
  for (const row of rows) {
    const i = row.place - 1;
    const { book } = NOW_BOOK.read(row);
    const asking = { key: keys[i]!, shard: shards[i]!, moment: NOW, time };
    views[i] = viewOf({ book, known: null, recordedBy: null }, asking);
  }
  return views;
}

/** The same book at the instant that the version known was recorded at. */
export const atClock = (view: WrittenView): WrittenView => ({
  ...view,
  asOf: view.clock,
  recordedBy: view.version,
});

/** Whether the question lies within what the journal has recorded; otherwise the state is run forward to it. */
export const isHistory = (view: BookView): boolean => view.asOf < view.clock;

/** The last version whose running totals count for the question, v(T): all of the journal unless it lies within it. */
export const readUpTo = (view: BookView): number => (isHistory(view) ? view.recordedBy : view.version);
