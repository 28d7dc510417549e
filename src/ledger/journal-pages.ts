import type { Row } from '../db/codec.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import { entriesOf, transactionAt } from './entries-of.ts';
import {
  ENTRY_WALKS,
  entryEdge,
  inBook,
  TRANSACTION_WALKS,
  transactionEdge,
  wayAlong,
  type EntryWalk,
  type JournalCursor,
  type TransactionWalk,
} from './journal-walks.ts';
import type { PostingKind } from './posting.ts';
import { actorColumns, actorIn, isBy, isVersionBy, withWriteOf, type Told, type ToldRow } from './writes.ts';
import {
  ENTRY,
  FOUND,
  readEntry,
  readTransactions,
  TRANSACTION,
  withAccount,
  withWrite,
  type EntryRow,
  type ReadEntry,
  type ReadTransaction,
  type FoundTransaction,
} from './read-journal.ts';

/**
 * Pages of a book's journal in version order. A page walks one index from where the last ended, and looks at a bounded
 * number of rows there: where a filter lets few of them through it ends early, with fewer rows than asked for.
 */

/** Which part of the journal is walked, and what of it is shown; null: any. */
export type JournalRange = Placed & {
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
  /** The versions that can have collected for the charge, in order. */
  readonly collectedIn: readonly number[];
  /** Who made the versions. */
  readonly actor: string | null;
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
  collectedIn: [],
  actor: null,
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

/** Rows a page looks at, at most: some milliseconds' worth. Along a grant a row is a transaction, of several entries. */
const LOOKED_AT = 10_000;
const OF_GRANT = 4_000;
/** As much of these where each row has to be asked who made it. */
const BY_ACTOR = 0.4;
const lookedAt = (walk: EntryWalk, { actor }: Pick<JournalRange, 'actor'>): number =>
  (walk === 'grant' ? OF_GRANT : LOOKED_AT) * (actor === null ? 1 : BY_ACTOR);

/** What every page shows of what is walked past. */
const BOOKED = {
  bookedFrom: 'timestamptz',
  bookedTo: 'timestamptz',
  grantId: 'uuid',
  actor: 'text',
} as const;

function entriesAlong(walk: EntryWalk) {
  const p = parameters({
    ...wayAlong(walk),
    ...BOOKED,
    subAccounts: 'integer[]',
    transaction: 'integer',
    limit: 'bigint',
  });
  const page = statement<EntryRow & ToldRow>(
    `entries_along_${walk}`,
    `select ${ENTRY}, ${actorColumns('w')} from (
       select along.version, along.position, along.sub_account from (${ENTRY_WALKS[walk](p)}) along
       where along.booked_at >= ${p.bookedFrom} and along.booked_at < ${p.bookedTo}
         and (${p.grantId} is null or along.grant_id = ${p.grantId})
         and (${p.actor} is null or ${isVersionBy({ ...p, version: 'along.version' }, p.actor)})
         and (${p.subAccounts} is null or along.sub_account = any(${p.subAccounts})) and (${p.transaction} is null or along.transaction = ${p.transaction})
       order by along.version, along.position limit ${p.limit}
     ) named
     cross join lateral (
       select * from entries e
       where ${inBook(p)} and e.sub_account = named.sub_account and e.version = named.version and e.position = named.position
       offset 0
     ) e
     ${transactionAt({ ...p, version: 'e.version', ordinal: 'e.transaction' })}
     ${withAccount(p)}
     ${withWriteOf({ ...p, version: 'e.version' })}
     order by e.version, e.position`,
  );
  return { p, page, ...entryEdge(walk) };
}

function transactionsAlong(walk: TransactionWalk) {
  const p = parameters({
    ...wayAlong(walk),
    ...BOOKED,
    kinds: 'text[]',
    idempotencyKey: 'text',
    atMost: 'bigint',
    limit: 'bigint',
  });
  const namesGrant = `(${p.grantId} is null or exists (
    select from (${entriesOf(p)}) n where n.grant_id = ${p.grantId}
  ))`;
  const page = statement<Row<FoundTransaction>>(
    `transactions_along_${walk}`,
    `select ${TRANSACTION} from (
       select distinct on (version, ordinal) version, ordinal from (${TRANSACTION_WALKS[walk](p)}) w
       order by version, ordinal limit ${p.atMost}
     ) named
     cross join lateral (
       select * from transactions t
       where t.shard = ${p.shard} and t.book_id = ${p.bookId} and t.version = named.version and t.ordinal = named.ordinal
       offset 0
     ) t
     ${withWrite(p)}
     where t.booked_at >= ${p.bookedFrom} and t.booked_at < ${p.bookedTo} and ${namesGrant}
       and (cardinality(${p.kinds}) = 0 or t.kind = any(${p.kinds})) and (${p.idempotencyKey} is null or w.idempotency_key = ${p.idempotencyKey})
       and (${p.actor} is null or ${isBy('w', p.actor)})
     order by t.version, t.ordinal limit ${p.limit}`,
  );
  return { p, page, ...transactionEdge(walk) };
}

const ENTRIES = {
  book: entriesAlong('book'),
  grant: entriesAlong('grant'),
  charge: entriesAlong('charge'),
  accounts: entriesAlong('accounts'),
};

const TRANSACTIONS = {
  book: transactionsAlong('book'),
  grant: transactionsAlong('grant'),
  charge: transactionsAlong('charge'),
};

/** A page of entries, oldest version first. */
export async function pageOfEntries(
  connection: Connection,
  range: EntryRange,
): Promise<JournalPage<ReadEntry & Told>> {
  const { subAccounts, transaction, limit } = range;
  const { walk, along } = walkOf(range);
  const [by, subject] =
    walk === 'book' && subAccounts !== null ? (['accounts', subAccounts] as const) : ([walk, along] as const);
  const hides = hidesRows(range) || transaction !== null || (subAccounts !== null && by !== 'accounts');
  const { p, page, way, edge: last } = ENTRIES[by];
  const asked = wayOf(range, subject, hides ? lookedAt(by, range) : limit + 1);
  const [rows, [end]] = await awaitAll([
    connection.run(page, bind(p, asked, shownOf(range), { subAccounts, transaction })),
    connection.run(last, bind(way, asked)),
  ]);
  return pageOf(rows.map(readTold), limit, end, ({ version, position }) => ({ version, position }));
}

const readTold = (row: EntryRow & ToldRow): ReadEntry & Told => ({ ...readEntry(row), actor: actorIn(row) });

/** A page of transactions with their entries, oldest version first. */
export async function pageOfTransactions(
  connection: Connection,
  range: TransactionRange,
): Promise<JournalPage<ReadTransaction>> {
  const { kinds, idempotencyKey, limit } = range;
  const { walk, along } = walkOf(range);
  const hides = hidesRows(range) || kinds.length > 0 || idempotencyKey !== null;
  const { p, page, way, edge: last } = TRANSACTIONS[walk];
  const asked = wayOf(
    range,
    along,
    hides ? lookedAt(walk, range) : (limit + 1) * (walk === 'book' ? 1 : LEGS),
  );
  // Of those that all show, no more are looked up than are shown.
  const atMost = hides ? asked.lookAt : limit + 1;
  const [rows, [end]] = await awaitAll([
    connection.run(page, bind(p, asked, shownOf(range), { kinds, idempotencyKey, atMost })),
    connection.run(last, bind(way, asked)),
  ]);
  const found = pageOf(rows.map(FOUND.read), limit, end, ({ version, ordinal }) => ({
    version,
    position: ordinal,
  }));
  return { ...found, rows: await readTransactions(connection, range, found.rows) };
}

/** More rows than the indexes by grant and by charge usually have of a transaction. */
const LEGS = 4;

/** Along a charge rather than a grant: it has fewer entries. */
function walkOf({ grantId, chargeId }: JournalRange): {
  readonly walk: TransactionWalk;
  readonly along: string | null;
} {
  if (chargeId !== null) return { walk: 'charge', along: chargeId };
  return { walk: grantId === null ? 'book' : 'grant', along: grantId };
}

/** Whether rows that are walked past may not show. */
const hidesRows = ({ bookedFrom, bookedTo, grantId, chargeId, actor }: JournalRange): boolean =>
  bookedFrom !== ALWAYS || bookedTo !== NEVER || actor !== null || (grantId !== null && chargeId !== null);

const wayOf = (
  { shard, bookId, after, version, collectedIn }: JournalRange,
  along: string | readonly number[] | null,
  lookAt: number,
) => ({
  shard,
  bookId,
  afterVersion: after.version,
  afterPosition: after.position,
  version,
  along,
  collectedIn: collectedIn.filter((one) => one >= after.version && one <= version),
  lookAt,
});

const shownOf = ({ bookedFrom, bookedTo, grantId, chargeId, actor, limit }: JournalRange) => ({
  bookedFrom,
  bookedTo,
  actor,
  // What is walked along needs no looking at; with a charge, that is the charge.
  grantId: chargeId === null ? null : grantId,
  limit: limit + 1,
});

/** Cuts a page from one row more than it shows; `last` is the last row looked at if there may be more behind it. */
function pageOf<Shown>(
  found: readonly Shown[],
  limit: number,
  last: JournalCursor | undefined,
  placeOf: (row: Shown) => JournalCursor,
): JournalPage<Shown> {
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? placeOf(rows.at(-1)!) : (last ?? null) };
}
