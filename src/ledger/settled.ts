import type { KnownBook } from '../db/placement.ts';
import type { Amount } from '../amount.ts';
import { codec, type Row } from '../db/codec.ts';
import { as, boolean, id, numeric, optional, text, timestamptz } from '../db/columns.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Instant } from '../instant.ts';
import { keysIn, type Scope } from '../scope.ts';
import { IS_SETTLED } from './account.ts';
import { heldAt, KNOWN_BOOK, versionAt } from './as-of.ts';
import { entriesOf, OF_CREDIT } from './entries-of.ts';
import type { PostingKind } from './posting.ts';

/** Settled of a book in a scope: Σ FBO + Σ receivable with unknown cost basis (domain.md §5), and what moves it. */
export type SettledFilter = KnownBook & {
  readonly scope: Scope;
  /** Null: any. */
  readonly currency: string | null;
};

/** The first parameters of statements over settled in a scope, and their values. */
export const SETTLED = { ...KNOWN_BOOK, currency: 'text', keys: 'text[]' } as const;
export const settledIn = ({ shard, bookId, version, currency, scope }: SettledFilter) => ({
  shard,
  bookId,
  version,
  currency,
  keys: keysIn(scope),
});

type Named = Readonly<Record<keyof typeof SETTLED, string>>;

/** Whether settled in the filter's scope is a sum over the sub-account `s`. */
export const isSettledIn = ({ currency, keys }: Named): string => `
  ${IS_SETTLED} and (${currency} is null or s.currency = ${currency})
  and (${keys} is null or s.feature_keys = '{}' or s.feature_keys && ${keys})`;

// Entry by entry, and looked up: the other way round the entries would be read once for each sub-account.
const withAccount = (p: Named): string => `
  cross join lateral (${entriesOf(p)}) e
  cross join lateral (
    select * from sub_accounts s where s.shard = ${p.shard} and s.book_id = ${p.bookId} and s.ordinal = e.sub_account offset 0
  ) s`;

/** Settled at the end of an instant. A currency that is not told of has nothing settled. */
export type SettledAt = { readonly at: Instant; readonly currency: string; readonly amount: Amount };

const at = parameters({ ...SETTLED, instants: 'timestamptz[]' });

const SETTLED_AT = statement<SettledAt>(
  'settled_at',
  `with ${heldAt({
    shard: at.shard,
    points: `
      select ${at.bookId} as book_id, i.as_of, ${versionAt({ ...at, asOf: 'i.as_of', where: `w.version <= ${at.version}` })} as recorded_by,
             ${at.version} as version
      from unnest(${at.instants}) i (as_of)`,
    accounts: isSettledIn(at),
    oneBook: true,
  })}
   select h.as_of as at, h.currency, sum(h.amount) as amount from held h group by h.as_of, h.currency`,
);

/** Settled in the filter's scope at the end of each instant, by currency. */
export async function settledAt(
  connection: Connection,
  filter: SettledFilter,
  instants: readonly Instant[],
): Promise<readonly SettledAt[]> {
  if (instants.length === 0) return [];
  return connection.run(SETTLED_AT, bind(at, settledIn(filter), { instants }));
}

/** So many transactions are looked at between the ends of a page, rather than sums made for each of its rows. */
const FEW = 2_000;

const between = parameters({ ...SETTLED, oldestFirst: 'timestamptz[]', few: 'integer' });

// A row without `after`: there are more between them than few.
const MOVED_BETWEEN = statement<{ after: number | null; currency: string; amount: Amount }>(
  'settled_moved_between',
  `with ends as (
     select min(i.at) as first, max(i.at) as last from unnest(${between.oldestFirst}) i (at)
   ), few as materialized (
     select count(*) <= ${between.few} as are_few from (
       select from ends
       join lateral (
         select from transactions t
         where t.shard = ${between.shard} and t.book_id = ${between.bookId}
           and t.booked_at > ends.first and t.booked_at <= ends.last
         offset 0
       ) t on true
       limit ${between.few} + 1
     ) t
   )
   select width_bucket(t.booked_at - interval '1 ms', ${between.oldestFirst}) as after, s.currency,
          sum(e.amount) as amount
   from ends cross join few
   join lateral (
     select * from transactions t
     where few.are_few and t.shard = ${between.shard} and t.book_id = ${between.bookId} and t.version <= ${between.version}
       and t.booked_at > ends.first and t.booked_at <= ends.last
     offset 0
   ) t on true
   ${withAccount(between)}
   where ${isSettledIn(between)}
   group by 1, 2
   union all
   select null, null, null from few where not few.are_few`,
);

/**
 * The same of many instants, newest first, that may lie close together: one sum behind the newest, and what was booked
 * between them. Where that is a lot, because what is between them is not asked for, a sum for each instead.
 */
export async function settledAtEach(
  connection: Connection,
  filter: SettledFilter,
  instants: readonly Instant[],
): Promise<readonly SettledAt[]> {
  if (instants.length < 2) return settledAt(connection, filter, instants);
  const asked = bind(between, settledIn(filter), { oldestFirst: instants.toReversed(), few: FEW });
  const [newest, moved] = await awaitAll([
    settledAt(connection, filter, instants.slice(0, 1)),
    connection.run(MOVED_BETWEEN, asked),
  ]);
  if (moved.some(({ after }) => after === null)) return settledAt(connection, filter, instants);
  const sums = new Map(moved.map(({ after, currency, amount }) => [`${after} ${currency}`, amount]));
  return newest.flatMap(({ currency, amount }) => {
    let settled = amount;
    return instants.map((instant, i) => {
      if (i > 0) settled -= sums.get(`${instants.length - i} ${currency}`) ?? 0n;
      return { at: instant, currency, amount: settled };
    });
  });
}

/** A change of settled as it was booked: one side of a transaction. */
export type SettledEntry = {
  readonly at: Instant;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Whether it changes what remains of its grant; otherwise it changes an advance. */
  readonly ofCredit: boolean;
};

const SETTLED_ENTRY = codec<SettledEntry>({
  at: as('booked_at', timestamptz),
  kind: text,
  currency: text,
  amount: numeric,
  grantId: optional(id('grt')),
  chargeId: optional(id('chg')),
  ofCredit: boolean,
});

/** A span of time. */
export type Span = {
  /** Exclusive. */
  readonly after: Instant;
  /** Inclusive. */
  readonly through: Instant;
};

const within = parameters({ ...SETTLED, after: 'timestamptz', through: 'timestamptz' });

// By transaction: what was booked in a span may have been recorded at any time since, and what was recorded in it may
// have been booked at any time before.
const ENTRIES_WITHIN = statement<Row<SettledEntry>>(
  'settled_entries_within',
  `select t.booked_at, e.kind, s.currency, e.amount, e.grant_id, e.charge_id, ${OF_CREDIT} as of_credit
   from (
     select * from transactions t
     where t.shard = ${within.shard} and t.book_id = ${within.bookId} and t.version <= ${within.version}
       and t.booked_at > ${within.after} and t.booked_at <= ${within.through}
     offset 0
   ) t
   ${withAccount(within)}
   where ${isSettledIn(within)}
   order by t.booked_at, t.version, e.position`,
);

/** The entries that settled in the filter's scope changes by within a span of the past, in order of time. */
export async function settledEntriesWithin(
  connection: Connection,
  filter: SettledFilter,
  span: Span,
): Promise<readonly SettledEntry[]> {
  const rows = await connection.run(ENTRIES_WITHIN, bind(within, settledIn(filter), span));
  return rows.map(SETTLED_ENTRY.read);
}
