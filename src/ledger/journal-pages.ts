import type { Row } from '../db/codec.ts';
import { awaitAll, statement, type Connection, type Statement } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import type { PostingKind } from './posting.ts';
import {
  ENTRY,
  FOUND,
  readEntry,
  readTransactions,
  TRANSACTION,
  WITH_ACCOUNT,
  WITH_WRITE,
  type EntryRow,
  type ReadEntry,
  type ReadTransaction,
  type FoundTransaction,
} from './read-journal.ts';

/**
 * Pages of a book's journal in version order. A page walks one index from where the last ended, and looks at a bounded
 * number of rows there: where a filter lets few of them through it ends early, with fewer rows than asked for.
 */

/** A place in version order: transactions by their ordinal, entries by their position within the version. */
export type JournalCursor = { readonly version: number; readonly position: number };

/** Which part of the journal is walked, and what of it is shown; null: any. */
export type JournalRange = {
  readonly shard: number;
  readonly bookId: string;
  /** Exclusive. */
  readonly after: JournalCursor;
  /** The last version to read. */
  readonly version: number;
  readonly limit: number;
  /** Inclusive. */
  readonly bookedFrom: Instant;
  /** Exclusive. */
  readonly bookedTo: Instant;
  readonly grantId: string | null;
  readonly chargeId: string | null;
};

export type TransactionRange = JournalRange & {
  /** Empty: all. */
  readonly kinds: readonly PostingKind[];
  readonly idempotencyKey: string | null;
};

/** No filter at all. */
export const WHOLE_JOURNAL = {
  bookedFrom: ALWAYS,
  bookedTo: NEVER,
  grantId: null,
  chargeId: null,
  kinds: [],
  idempotencyKey: null,
};

export type EntryRange = JournalRange & {
  /** The ordinals of sub-accounts, and of the transaction within its version. */
  readonly subAccounts: readonly number[] | null;
  readonly transaction: number | null;
};

/** Rows, and where the next page goes on; null where there is nothing behind them. */
export type JournalPage<Shown> = { readonly rows: readonly Shown[]; readonly next: JournalCursor | null };

/** Rows a page looks at, at most: some milliseconds' worth. */
const LOOKED_AT = 10_000;

type Walk = 'book' | 'grant' | 'charge' | 'accounts';

// $3, $4: after which place; $5: the last version; $6: what the walk is along.
const PLACES = 'e.version, e.position, e.transaction, e.sub_account, e.booked_at, e.grant_id';
const IN_BOOK = 'e.shard = $1 and e.book_id = $2';
const BEHIND = '(e.version, e.position) > ($3, $4) and e.version <= $5';
const walkWhere = (along: string): string => `
    select ${PLACES} from entries e where ${IN_BOOK} and ${along} and ${BEHIND} order by e.version, e.position`;

const ENTRY_WALKS: Readonly<Record<Walk, string>> = {
  book: walkWhere('$6::text is null'),
  grant: walkWhere('e.grant_id = $6::uuid'),
  charge: walkWhere('e.charge_id = $6::uuid and e.version >= $3'),
  // As many of each sub-account as may be needed of all: a walk along several places of one index.
  accounts: `
    select ${PLACES} from unnest($6::integer[]) asked (ordinal)
    join lateral (
      select * from entries e
      where ${IN_BOOK} and e.sub_account = asked.ordinal and ${BEHIND}
      order by e.version, e.position limit $7
    ) e on true
    order by e.version, e.position`,
};

const TRANSACTION_WALKS: Readonly<Record<Exclude<Walk, 'accounts'>, string>> = {
  book: `
    select t.version, t.ordinal from transactions t
    where t.shard = $1 and t.book_id = $2 and (t.version, t.ordinal) > ($3, $4) and t.version <= $5
      and $6::text is null
    order by t.version, t.ordinal`,
  grant: alongEntries('grant_id'),
  charge: alongEntries('charge_id'),
};

function alongEntries(column: 'grant_id' | 'charge_id'): string {
  return `
    select e.version, e.transaction as ordinal from entries e
    where ${IN_BOOK} and e.${column} = $6::uuid and e.version >= $3
      and (e.version, e.transaction) > ($3, $4) and e.version <= $5
    order by e.version, e.position`;
}

const entryPage = (walk: Walk): Statement<EntryRow> =>
  statement(
    `entries_along_${walk}`,
    `select ${ENTRY} from (
       select w.version, w.position from (${ENTRY_WALKS[walk]} limit $7) w
       where w.booked_at >= $8 and w.booked_at < $9
         and ($10::uuid is null or w.grant_id = $10)
         and ($11::integer[] is null or w.sub_account = any($11)) and ($12::integer is null or w.transaction = $12)
       order by w.version, w.position limit $13
     ) named
     cross join lateral (
       select * from entries e
       where ${IN_BOOK} and e.version = named.version and e.position = named.position
       offset 0
     ) e
     ${WITH_ACCOUNT}
     order by e.version, e.position`,
  );

const NAMES_GRANT = `($10::uuid is null or exists (
    select from entries n
    where n.shard = $1 and n.book_id = $2 and n.grant_id = $10 and n.version = t.version and n.transaction = t.ordinal
  ))`;

const transactionPage = (walk: Exclude<Walk, 'accounts'>): Statement<Row<FoundTransaction>> =>
  statement(
    `transactions_along_${walk}`,
    `select ${TRANSACTION} from (
       select distinct on (version, ordinal) version, ordinal from (${TRANSACTION_WALKS[walk]} limit $7) w
       order by version, ordinal
     ) named
     cross join lateral (
       select * from transactions t
       where t.shard = $1 and t.book_id = $2 and t.version = named.version and t.ordinal = named.ordinal
       offset 0
     ) t
     ${WITH_WRITE}
     where t.booked_at >= $8 and t.booked_at < $9 and ${NAMES_GRANT}
       and (cardinality($11::text[]) = 0 or t.kind = any($11)) and ($12::text is null or w.idempotency_key = $12)
     order by t.version, t.ordinal limit $13`,
  );

// The last row that a page may look at, if there are as many.
const edge = (name: string, walk: string, position: string): Statement<JournalCursor> =>
  statement(name, `select version, ${position} as position from (${walk}) w offset $7 - 1 limit 1`);

const each = <W extends Walk, S>(walks: readonly W[], make: (walk: W) => S) =>
  Object.fromEntries(walks.map((walk) => [walk, make(walk)])) as Readonly<Record<W, S>>;

const ENTRIES = each(['book', 'grant', 'charge', 'accounts'], (walk) => ({
  page: entryPage(walk),
  edge: edge(`last_entry_along_${walk}`, ENTRY_WALKS[walk], 'position'),
}));

const TRANSACTIONS = each(['book', 'grant', 'charge'], (walk) => ({
  page: transactionPage(walk),
  edge: edge(`last_transaction_along_${walk}`, TRANSACTION_WALKS[walk], 'ordinal'),
}));

/** A page of entries, oldest version first. */
export async function pageOfEntries(
  connection: Connection,
  range: EntryRange,
): Promise<JournalPage<ReadEntry>> {
  const { subAccounts, transaction, limit } = range;
  const [walk, along] = walkOf(range);
  const [way, subject]: readonly [Walk, unknown] =
    walk === 'book' && subAccounts !== null ? ['accounts', subAccounts] : [walk, along];
  const hides = hidesRows(range) || transaction !== null || (subAccounts !== null && way !== 'accounts');
  const { rows, last } = await walked(connection, ENTRIES[way], {
    range,
    subject,
    lookAt: hides ? LOOKED_AT : limit + 1,
    shown: [subAccounts, transaction],
  });
  return pageOf(rows.map(readEntry), limit, last, ({ version, position }) => ({ version, position }));
}

/** A page of transactions with their entries, oldest version first. */
export async function pageOfTransactions(
  connection: Connection,
  range: TransactionRange,
): Promise<JournalPage<ReadTransaction>> {
  const { kinds, idempotencyKey, limit } = range;
  const [walk, subject] = walkOf(range);
  const hides = hidesRows(range) || kinds.length > 0 || idempotencyKey !== null;
  const { rows, last } = await walked(connection, TRANSACTIONS[walk], {
    range,
    subject,
    lookAt: hides ? LOOKED_AT : (limit + 1) * (walk === 'book' ? 1 : LEGS),
    shown: [kinds, idempotencyKey],
  });
  const page = pageOf(rows.map(FOUND.read), limit, last, ({ version, ordinal }) => ({
    version,
    position: ordinal,
  }));
  return { ...page, rows: await readTransactions(connection, range, page.rows) };
}

/** More entries of one grant or charge than a transaction usually has. */
const LEGS = 4;

/** Along a charge rather than a grant: it has fewer entries. */
function walkOf({ grantId, chargeId }: JournalRange): readonly [Exclude<Walk, 'accounts'>, unknown] {
  if (chargeId !== null) return ['charge', uuidOf(chargeId)];
  return grantId === null ? ['book', null] : ['grant', uuidOf(grantId)];
}

/** Whether rows that are walked past may not show. */
const hidesRows = ({ bookedFrom, bookedTo, grantId, chargeId }: JournalRange): boolean =>
  bookedFrom !== ALWAYS || bookedTo !== NEVER || (grantId !== null && chargeId !== null);

async function walked<Found>(
  connection: Connection,
  { page, edge: lastLookedAt }: { readonly page: Statement<Found>; readonly edge: Statement<JournalCursor> },
  asked: {
    readonly range: JournalRange;
    readonly subject: unknown;
    readonly lookAt: number;
    readonly shown: readonly unknown[];
  },
): Promise<{ readonly rows: readonly Found[]; readonly last: JournalCursor | null }> {
  const { range, subject, lookAt, shown } = asked;
  const { shard, bookId, after, version, bookedFrom, bookedTo, grantId, chargeId, limit } = range;
  const way = [shard, bookId, after.version, after.position, version, subject, lookAt];
  const [rows, [last]] = await awaitAll([
    connection.run(page, [
      ...way,
      timestamp(bookedFrom),
      timestamp(bookedTo),
      // What is walked along needs no looking at; with a charge, that is the charge.
      grantId !== null && chargeId !== null ? uuidOf(grantId) : null,
      ...shown,
      limit + 1,
    ]),
    connection.run(lastLookedAt, way),
  ]);
  return { rows, last: last ?? null };
}

/** Cuts a page from one row more than it shows; `last` is the last row looked at if there may be more behind it. */
function pageOf<Shown>(
  found: readonly Shown[],
  limit: number,
  last: JournalCursor | null,
  placeOf: (row: Shown) => JournalCursor,
): JournalPage<Shown> {
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? placeOf(rows.at(-1)!) : last };
}
