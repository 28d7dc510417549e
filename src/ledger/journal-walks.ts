import { statement } from '../db/database.ts';
import { parameters } from '../db/parameters.ts';
import { collectionsOf, entriesOf, TELLS_CHARGE, TELLS_GRANT, transactionAt } from './entries-of.ts';

/** The indexes that pages of a book's journal walk along, in version order. */

/** A place in version order: transactions by their ordinal, entries by their position within the version. */
export type JournalCursor = { readonly version: number; readonly position: number };

/** What a walk is along, and the type of what names that: nothing, a grant, a charge, ordinals. */
const ALONG = { book: 'text', grant: 'uuid', charge: 'uuid', accounts: 'integer[]' } as const;
export type EntryWalk = keyof typeof ALONG;
export type TransactionWalk = Exclude<EntryWalk, 'accounts'>;

/** Where a walk goes: from behind a place up to a version, so many rows at most. */
const WAY = {
  shard: 'smallint',
  bookId: 'bigint',
  afterVersion: 'bigint',
  afterPosition: 'integer',
  version: 'bigint',
  lookAt: 'bigint',
} as const;
/** The versions that can have collected for a charge; of a walk along one alone. */
const COLLECTED = { collectedIn: 'bigint[]' } as const;

// Postgres takes no parameter that a statement does not name, so the others do without.
export const wayAlong = (walk: EntryWalk) =>
  ({ ...WAY, along: ALONG[walk], ...((walk === 'charge' ? COLLECTED : {}) as typeof COLLECTED) }) as const;
type Way = Readonly<Record<keyof ReturnType<typeof wayAlong>, string>>;

const PLACES = 'e.version, e.position, e.transaction, e.sub_account, e.booked_at, e.grant_id';
export const inBook = ({ shard, bookId }: Way): string => `e.shard = ${shard} and e.book_id = ${bookId}`;
const isBehind = ({ afterVersion, afterPosition, version }: Way): string =>
  `(e.version, e.position) > (${afterVersion}, ${afterPosition}) and e.version <= ${version}`;

/** The entries of a walk's index, as it has them. */
const entriesAlong = (way: Way, along: string): string => `
    select ${PLACES} from entries e
    where ${inBook(way)} and ${along} and e.version >= ${way.afterVersion} and ${isBehind(way)}
    order by e.version, e.position limit ${way.lookAt}`;

const tellingGrant = (way: Way): string => `e.grant_id = ${way.along} and ${TELLS_GRANT}`;
const tellingCharge = (way: Way): string => `e.charge_id = ${way.along} and ${TELLS_CHARGE}`;
const collections = (way: Way): string =>
  collectionsOf({ ...way, charge: way.along, versions: way.collectedIn });
const named = (way: Way): string =>
  transactionAt({ ...way, version: 'named.version', ordinal: 'named.transaction' });

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
    order by t.version, t.ordinal, lies.place limit ${way.lookAt}`,
  // All that the transactions have of the grant; the one that the last page ended in may go on.
  grant: (way) => `
    select ${PLACES} from (
      (select t.version, t.ordinal as transaction from transactions t
       where t.shard = ${way.shard} and t.book_id = ${way.bookId} and t.version = ${way.afterVersion}
         and t.first_position <= ${way.afterPosition}
       order by t.ordinal desc limit 1)
      union
      select e.version, e.transaction from (${entriesAlong(way, tellingGrant(way))}) e
    ) named
    ${named(way)}
    cross join lateral (${entriesOf(way)}) e
    where e.grant_id = ${way.along} and ${isBehind(way)}
    order by e.version, e.position`,
  charge: (way) => `
    select * from (
      (${entriesAlong(way, tellingCharge(way))})
      union all
      select ${PLACES} from (${collections(way)}) t cross join lateral (${entriesOf(way)}) e where ${isBehind(way)}
    ) e order by e.version, e.position limit ${way.lookAt}`,
  // As many of each sub-account as may be needed of all: a walk along several places of one index.
  accounts: (way) => `
    select ${PLACES} from unnest(${way.along}) asked (ordinal)
    join lateral (
      select * from entries e
      where ${inBook(way)} and e.sub_account = asked.ordinal and ${isBehind(way)}
      order by e.version, e.position limit ${way.lookAt}
    ) e on true
    order by e.version, e.position limit ${way.lookAt}`,
};

const isTransactionBehind = (way: Way, ordinal: string): string =>
  `(e.version, ${ordinal}) > (${way.afterVersion}, ${way.afterPosition}) and e.version <= ${way.version}`;

const transactionsAlong = (way: Way, along: string): string => `
    select e.version, e.transaction as ordinal from entries e
    where ${inBook(way)} and ${along} and e.version >= ${way.afterVersion} and ${isTransactionBehind(way, 'e.transaction')}
    order by e.version, e.position limit ${way.lookAt}`;

export const TRANSACTION_WALKS: Readonly<Record<TransactionWalk, (way: Way) => string>> = {
  book: (way) => `
    select t.version, t.ordinal from transactions t
    where t.shard = ${way.shard} and t.book_id = ${way.bookId}
      and (t.version, t.ordinal) > (${way.afterVersion}, ${way.afterPosition}) and t.version <= ${way.version}
      and ${way.along} is null
    order by t.version, t.ordinal limit ${way.lookAt}`,
  grant: (way) => transactionsAlong(way, tellingGrant(way)),
  charge: (way) => `
    select e.version, e.ordinal from (
      (${transactionsAlong(way, tellingCharge(way))})
      union all
      select t.version, t.ordinal from (${collections(way)}) t
    ) e where ${isTransactionBehind(way, 'e.ordinal')}
    order by e.version, e.ordinal limit ${way.lookAt}`,
};

/** The last row that a page may look at, if there are as many. */
const nthOf = (rows: string, position: string, way: Way): string => `
  select version, ${position} as position from (${rows}) w offset ${way.lookAt} - 1 limit 1`;

const ENTRY_EDGES: Readonly<Record<EntryWalk, (way: Way) => string>> = {
  book: (way) => nthOf(ENTRY_WALKS.book(way), 'position', way),
  // A page shows all that the last transaction has of the grant.
  grant: (way) => `
    select t.version, t.first_position + cardinality(t.sub_accounts) - 1 as position
    from (select * from (${entriesAlong(way, tellingGrant(way))}) e offset ${way.lookAt} - 1 limit 1) named
    ${named(way)}`,
  charge: (way) => nthOf(ENTRY_WALKS.charge(way), 'position', way),
  accounts: (way) => nthOf(ENTRY_WALKS.accounts(way), 'position', way),
};

function edge(name: string, walk: EntryWalk, last: (way: Way) => string) {
  const way = parameters(wayAlong(walk));
  return { way, edge: statement<JournalCursor>(name, last(way)) };
}

/** What ends a page of entries, or of transactions, that is full of rows which do not show. */
export const entryEdge = (walk: EntryWalk) => edge(`last_entry_along_${walk}`, walk, ENTRY_EDGES[walk]);
export const transactionEdge = (walk: TransactionWalk) =>
  edge(`last_transaction_along_${walk}`, walk, (way) => nthOf(TRANSACTION_WALKS[walk](way), 'ordinal', way));
