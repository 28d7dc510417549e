import type { DatabaseClock } from '../db/clock.ts';
import { statement, type Connection } from '../db/database.ts';
import { inShard } from '../db/placement.ts';
import { optional } from '../db/types.ts';
import { ALWAYS, earlier, later, type Instant } from '../instant.ts';
import { namedBy, shardOf, type BookKey } from '../tables/book-key.ts';

/** When a question is about, on both axes; null: now, and all that is known. */
export type Moment = {
  readonly asOf: Instant | null;
  readonly knownAt: Instant | null;
  /** Of the versions recorded by `knownAt` none after this one: several may be of one millisecond. Absent: all. */
  readonly lastVersion?: number;
};

/** A book as a question sees it: which version of it is known, and how far the journal of that version reaches. */
export type BookView = {
  readonly key: BookKey;
  readonly shard: number;
  /** Null: nobody has written about this customer yet, as far as known. */
  readonly id: string | null;
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
};

/** A row of `books` with the versions a question finds in it; nulls where there is no book, or none known. */
export type PlacedRow = {
  id: string | null;
  version: number | null;
  clock: Instant | null;
  next_event_at: Instant | null;
  currencies: Record<string, number>;
  known_version: number | null;
  known_clock: Instant | null;
  recorded_by: number | null;
};

export const PLACED_COLUMNS = `b.id, b.version, b.clock, b.next_event_at, b.currencies,
  known.version as known_version, known.recorded_at as known_clock, recorded.version as recorded_by`;

const placed = (among: string): string => `
   left join lateral (
     select w.version, w.recorded_at from writes w
     where w.shard = $1 and w.book_id = b.id and w.recorded_at <= $5::timestamptz ${among}
     order by w.recorded_at desc, w.version desc limit 1
   ) known on $5::timestamptz is not null
   left join lateral (
     select w.version from writes w
     where w.shard = $1 and w.book_id = b.id and w.recorded_at <= $4::timestamptz
     order by w.recorded_at desc, w.version desc limit 1
   ) recorded on $4::timestamptz < b.clock`;

/** StreamSlots a question in a row `b` of `books` of shard $1: $4 is `as_of`, $5 `known_at`, each null for now. */
export const PLACED = placed('');

const LOCATE = statement<PlacedRow & { now: Instant }>(
  'locate_book',
  `select t.now, ${PLACED_COLUMNS}
   from (select date_trunc('milliseconds', clock_timestamp()) as now) t
   left join books b on b.shard = $1 and b.namespace = $2 and b.customer_id = $3 and b.version > 0
   ${placed('and ($6::bigint is null or w.version <= $6)')}`,
);

/** Finds a customer's book and places the question on both of its axes: one statement. */
export async function locate(
  connection: Connection,
  clock: DatabaseClock,
  key: BookKey,
  moment: Moment,
): Promise<BookView> {
  const shard = shardOf(key);
  const [row] = await connection.run(LOCATE, [
    shard,
    key.namespace,
    key.customerId,
    optional(moment.asOf),
    optional(moment.knownAt),
    moment.lastVersion ?? null,
  ]);
  return viewOf(row!, { key, shard, moment, time: clock.reads(row!.now) });
}

/** A book as a question sees it, from its placed row; `time` is what the clock says. */
export function viewOf(
  row: PlacedRow,
  asking: { readonly key: BookKey; readonly shard: number; readonly moment: Moment; readonly time: Instant },
): BookView {
  const { key, shard, moment, time } = asking;
  const now = later(time, row.clock ?? ALWAYS);
  const asked = {
    key,
    shard,
    now,
    latest: row.version ?? 0,
    asOf: moment.asOf ?? now,
    // Not now: a write under way has been given its instant already, and will be there when this is asked again.
    knownAt: moment.knownAt ?? row.clock ?? now,
  };
  const known = moment.knownAt === null ? row.version : row.known_version;
  if (row.id === null || known === null) {
    const none = { id: null, version: 0, clock: ALWAYS, nextDueAt: null, current: true, recordedBy: 0 };
    return { ...asked, ...none, currencies: [] };
  }
  const current = known === row.version;
  const currencies = Object.entries(row.currencies).filter(([, version]) => version <= known);
  return {
    ...asked,
    id: row.id,
    version: known,
    clock: (current ? row.clock : row.known_clock)!,
    nextDueAt: current ? row.next_event_at : null,
    current,
    recordedBy: earlier(row.recorded_by ?? 0, known),
    currencies: currencies.map(([code]) => code).toSorted(),
  };
}

type NowRow = Pick<PlacedRow, 'id' | 'version' | 'clock' | 'next_event_at' | 'currencies'> & {
  now: Instant;
  place: number;
  head_hash: Buffer | null;
};

const LOCATE_NOW = statement<NowRow>(
  'locate_books_now',
  `select date_trunc('milliseconds', clock_timestamp()) as now, named.place, b.id, b.version, b.clock,
     b.next_event_at, b.currencies, b.head_hash
   from unnest($1::smallint[], $2::text[], $3::text[]) with ordinality named (shard, namespace, customer_id, place)
   left join lateral (
     select * from books b
     where b.shard = named.shard and b.namespace = named.namespace and b.customer_id = named.customer_id
       and b.version > 0 and ${inShard('b', '$4')}
     offset 0
   ) b on true`,
);

/** A view of a book as it is now, marked so that its state can be told from any other; null: there is no book yet. */
export type NowView = BookView & { readonly headHash: Buffer | null };

/** Finds many customers' books as they are now: one statement. In the order of the keys. */
export async function locateNow(
  connection: Pick<Connection, 'run'>,
  clock: DatabaseClock,
  keys: readonly BookKey[],
): Promise<readonly NowView[]> {
  const rows = await connection.run(LOCATE_NOW, namedBy(keys));
  const time = clock.reads(Math.max(...rows.map((row) => row.now)));
  const moment = { asOf: null, knownAt: null };
  const unasked = { known_version: null, known_clock: null, recorded_by: null };
  return rows
    .toSorted((a, b) => a.place - b.place)
    .map((row, i) => {
      const key = keys[i]!;
      const view = viewOf({ ...row, ...unasked }, { key, shard: shardOf(key), moment, time });
      return { ...view, headHash: row.head_hash };
    });
}

/** Whether the question lies within what the journal has recorded; otherwise the state is run forward to it. */
export const isHistory = (view: BookView): boolean => view.asOf < view.clock;

/** The last version whose running totals count for the question, v(T): all of the journal unless it lies within it. */
export const readUpTo = (view: BookView): number => (isHistory(view) ? view.recordedBy : view.version);
