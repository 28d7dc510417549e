import { statement } from '../db/database.ts';
import { parameters } from '../db/parameters.ts';

/** The indexes that pages of a book's journal walk along, in version order. */

/** A place in version order: transactions by their ordinal, entries by their position within the version. */
export type JournalCursor = { readonly version: number; readonly position: number };

/** What a walk is along, and the type of what names that: nothing, a grant, a charge, ordinals. */
const ALONG = { book: 'text', grant: 'uuid', charge: 'uuid', accounts: 'integer[]' } as const;
export type EntryWalk = keyof typeof ALONG;
export type TransactionWalk = Exclude<EntryWalk, 'accounts'>;

/** Where a walk goes: from behind a place up to a version, so many rows at most. */
export const wayAlong = (walk: EntryWalk) =>
  ({
    shard: 'smallint',
    bookId: 'uuid',
    afterVersion: 'bigint',
    afterPosition: 'integer',
    version: 'bigint',
    along: ALONG[walk],
    lookAt: 'bigint',
  }) as const;
type Way = Readonly<Record<keyof ReturnType<typeof wayAlong>, string>>;

const PLACES = 'e.version, e.position, e.transaction, e.sub_account, e.booked_at, e.grant_id';
export const inBook = ({ shard, bookId }: Way): string => `e.shard = ${shard} and e.book_id = ${bookId}`;
const isBehind = ({ afterVersion, afterPosition, version }: Way): string =>
  `(e.version, e.position) > (${afterVersion}, ${afterPosition}) and e.version <= ${version}`;
const entriesWhere = (way: Way, along: string): string => `
    select ${PLACES} from entries e where ${inBook(way)} and ${along} and ${isBehind(way)} order by e.version, e.position`;

export const ENTRY_WALKS: Readonly<Record<EntryWalk, (way: Way) => string>> = {
  // Told by transactions alone: their own order is that of versions.
  book: (way) => `
    select t.version, t.first_position + lies.place - 1 as position, t.ordinal as transaction, lies.sub_account, t.booked_at,
           null::uuid as grant_id
    from (
      select * from transactions t
      where t.shard = ${way.shard} and t.book_id = ${way.bookId} and t.version >= ${way.afterVersion}
        and (t.version, t.first_position + cardinality(t.sub_accounts) - 1) > (${way.afterVersion}, ${way.afterPosition})
        and t.version <= ${way.version} and ${way.along} is null
      order by t.version, t.ordinal limit ${way.lookAt}
    ) t
    cross join lateral unnest(t.sub_accounts) with ordinality lies (sub_account, place)
    where (t.version, t.first_position + lies.place - 1) > (${way.afterVersion}, ${way.afterPosition})
    order by t.version, t.ordinal, lies.place`,
  grant: (way) => entriesWhere(way, `e.grant_id = ${way.along}`),
  charge: (way) => entriesWhere(way, `e.charge_id = ${way.along} and e.version >= ${way.afterVersion}`),
  // As many of each sub-account as may be needed of all: a walk along several places of one index.
  accounts: (way) => `
    select ${PLACES} from unnest(${way.along}) asked (ordinal)
    join lateral (
      select * from entries e
      where ${inBook(way)} and e.sub_account = asked.ordinal and ${isBehind(way)}
      order by e.version, e.position limit ${way.lookAt}
    ) e on true
    order by e.version, e.position`,
};

export const TRANSACTION_WALKS: Readonly<Record<TransactionWalk, (way: Way) => string>> = {
  book: (way) => `
    select t.version, t.ordinal from transactions t
    where t.shard = ${way.shard} and t.book_id = ${way.bookId}
      and (t.version, t.ordinal) > (${way.afterVersion}, ${way.afterPosition}) and t.version <= ${way.version}
      and ${way.along} is null
    order by t.version, t.ordinal`,
  grant: (way) => transactionsWhere(way, `e.grant_id = ${way.along}`),
  charge: (way) => transactionsWhere(way, `e.charge_id = ${way.along}`),
};

const transactionsWhere = (way: Way, along: string): string => `
    select e.version, e.transaction as ordinal from entries e
    where ${inBook(way)} and ${along} and e.version >= ${way.afterVersion}
      and (e.version, e.transaction) > (${way.afterVersion}, ${way.afterPosition}) and e.version <= ${way.version}
    order by e.version, e.position`;

/** The last row that a page may look at, if there are as many. */
export function edge(name: string, walk: EntryWalk, rows: (way: Way) => string, position: string) {
  const way = parameters(wayAlong(walk));
  return {
    way,
    edge: statement<JournalCursor>(
      name,
      `select version, ${position} as position from (${rows(way)}) w offset ${way.lookAt} - 1 limit 1`,
    ),
  };
}
