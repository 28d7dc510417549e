import { codec, ifAny, type Row } from '../db/codec.ts';
import { as, bigint, bytea, id, integer, numeric, optional, text, timestamptz } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import { idOf, uuidOf } from '../id.ts';
import { entriesOf, transactionAt } from './entries-of.ts';
import type { PostingKind } from './posting.ts';
import type { Appended, JournalEntry, JournalTransaction } from './journal.ts';
import { ROUTED, SUB_ACCOUNT } from './sub-accounts.ts';
import { ACTOR, actorColumns, type Told } from './writes.ts';
import { askedById, NAMED_BY_ID, idIn, rowAsked } from './transaction-id.ts';

/** The journal of books as it was written: transactions and entries in version order. */

type FoundEntry = Pick<
  JournalEntry,
  | 'account'
  | 'version'
  | 'position'
  | 'amount'
  | 'runningTotal'
  | 'grantId'
  | 'chargeId'
  | 'bookedAt'
  | 'recordedAt'
> & {
  readonly transactionId: string;
  readonly accountId: string;
  readonly reverses: { readonly transactionId: string; readonly position: number } | null;
};

export type ReadEntry = Omit<FoundEntry, 'reverses'> & {
  readonly id: string;
  /** The entry this one takes back, wholly or in part. */
  readonly reverses: { readonly id: string; readonly transactionId: string } | null;
};

export type ReadTransaction = Pick<
  JournalTransaction,
  'kind' | 'version' | 'ordinal' | 'bookedAt' | 'recordedAt' | 'hash' | 'reason'
> &
  Told & {
    readonly id: string;
    /** The id of the first transaction of its write: common to all that one write led to. */
    readonly groupId: string;
    readonly idempotencyKey: string | null;
    /** Of a reversal: the manual transaction it takes back. */
    readonly reversedId: string | null;
    readonly entries: readonly ReadEntry[];
  };

export type EntryRow = Row<FoundEntry>;

const FOUND_ENTRY = codec<FoundEntry>({
  transactionId: id('txn'),
  accountId: id('acc'),
  account: ROUTED,
  version: bigint,
  position: integer,
  amount: numeric,
  runningTotal: numeric,
  grantId: optional(id('grt')),
  chargeId: optional(id('chg')),
  reverses: ifAny({
    transactionId: as('reversed_transaction_id', id('txn')),
    position: as('reversed_position', integer),
  }),
  bookedAt: timestamptz,
  recordedAt: timestamptz,
});

export const ENTRY = `e.version, e.position, ${idIn('t')} as transaction_id, s.id as account_id, e.amount,
  e.running_total, e.grant_id, e.charge_id, e.reversed_position, reversed.transaction_id as reversed_transaction_id,
  e.booked_at, t.recorded_at, ${SUB_ACCOUNT.select('s')}`;

// Looked up row by row ("offset 0" keeps it so): as joins Postgres may read all there are.

type OfShard = { readonly shard: string };

/** What a row of an entry `e` needs besides its transaction: its sub-account, and the entry of that which it takes back. */
export const withAccount = ({ shard }: OfShard): string => `
  join sub_accounts s on s.shard = ${shard} and s.book_id = e.book_id and s.ordinal = e.sub_account
  left join lateral (
    select ${idIn('rt')} as transaction_id from entries r
    join transactions rt on rt.shard = ${shard} and rt.book_id = e.book_id and rt.version = r.version and rt.ordinal = r.transaction
    where r.shard = ${shard} and r.book_id = e.book_id and r.sub_account = e.sub_account
      and r.version = e.reversed_version and r.position = e.reversed_position
    offset 0
  ) reversed on true`;

/** A transaction without what its entries tell. */
export type FoundTransaction = Omit<ReadTransaction, 'reversedId' | 'entries'> & { readonly bookId: number };

export const FOUND = codec<FoundTransaction>({
  bookId: bigint,
  id: id('txn'),
  kind: text,
  groupId: id('txn'),
  version: bigint,
  ordinal: integer,
  bookedAt: timestamptz,
  recordedAt: timestamptz,
  hash: bytea,
  reason: optional(text),
  idempotencyKey: optional(text),
  actor: ifAny(ACTOR),
});

export const TRANSACTION = `t.book_id, ${idIn('t')} as id, t.kind, t.version, t.ordinal, t.booked_at, t.recorded_at, t.hash, t.reason,
  w.idempotency_key, ${actorColumns('w')}, ${idIn('g')} as group_id`;

/** What a row of a transaction `t` needs besides: the write it belongs to, and the first transaction of that. */
export const withWrite = ({ shard }: OfShard): string => `
  cross join lateral (
    select * from writes w where w.shard = ${shard} and w.book_id = t.book_id and w.version = t.version offset 0
  ) w
  cross join lateral (
    select * from transactions g
    where g.shard = ${shard} and g.book_id = t.book_id and g.version = t.version and g.ordinal = 1
    offset 0
  ) g`;

const named = parameters({
  shard: 'smallint',
  bookIds: 'bigint[]',
  versions: 'bigint[]',
  ordinals: 'integer[]',
});

const ENTRIES_OF = statement<EntryRow>(
  'entries_of_transactions',
  `select ${ENTRY} from unnest(${named.bookIds}, ${named.versions}, ${named.ordinals}) named (book_id, version, ordinal)
   ${transactionAt({ shard: named.shard, bookId: 'named.book_id', version: 'named.version', ordinal: 'named.ordinal' })}
   cross join lateral (${entriesOf(named)}) e
   ${withAccount(named)}
   order by e.book_id, e.version, e.position`,
);

/** Transactions of any books of a shard with their entries, in the order of their rows: one statement for all. */
export async function readTransactions(
  connection: Connection,
  { shard }: { readonly shard: number },
  found: readonly FoundTransaction[],
): Promise<readonly ReadTransaction[]> {
  if (found.length === 0) return [];
  const asked = {
    shard,
    bookIds: found.map((row) => row.bookId),
    versions: found.map((row) => row.version),
    ordinals: found.map((row) => row.ordinal),
  };
  const entries = await connection.run(ENTRIES_OF, bind(named, asked));
  const byTransaction = Map.groupBy(entries.map(readEntry), ({ transactionId }) => transactionId);
  return found.map((transaction) => {
    const own = byTransaction.get(transaction.id) ?? [];
    const reversed = transaction.kind === 'REVERSE' ? (own[0]?.reverses ?? null) : null;
    return { ...transaction, reversedId: reversed?.transactionId ?? null, entries: own };
  });
}

/** A write whose transactions are asked for, but those up to the ordinal `after`. */
export type NamedWrite = { readonly bookId: number; readonly version: number; readonly after: number };

const writesNamed = parameters({
  shard: 'smallint',
  bookIds: 'bigint[]',
  versions: 'bigint[]',
  after: 'integer[]',
  limit: 'bigint',
});

const OF_WRITES = statement<Row<FoundTransaction> & { write: number }>(
  'transactions_of_writes',
  `select (named.number - 1)::integer as write, ${TRANSACTION}
   from unnest(${writesNamed.bookIds}, ${writesNamed.versions}, ${writesNamed.after}) with ordinality named (book_id, version, after, number)
   cross join lateral (
     select * from transactions t
     where t.shard = ${writesNamed.shard} and t.book_id = named.book_id and t.version = named.version and t.ordinal > named.after
     offset 0
   ) t
   ${withWrite(writesNamed)}
   order by named.number, t.ordinal limit ${writesNamed.limit}`,
);

/**
 * The transactions of writes of any books of a shard, in the order the writes are named, each with its write's index:
 * two statements however many they are. A write may have none.
 */
export async function transactionsOfWrites(
  connection: Connection,
  shard: number,
  writes: readonly NamedWrite[],
  limit: number,
): Promise<readonly { readonly write: number; readonly transaction: ReadTransaction }[]> {
  if (writes.length === 0) return [];
  const asked = {
    shard,
    bookIds: writes.map((write) => write.bookId),
    versions: writes.map((write) => write.version),
    after: writes.map((write) => write.after),
    limit,
  };
  const found = await connection.run(OF_WRITES, bind(writesNamed, asked));
  const transactions = await readTransactions(connection, { shard }, found.map(FOUND.read));
  return transactions.map((transaction, i) => ({ write: found[i]!.write, transaction }));
}

const one = parameters({ shard: 'smallint', bookId: 'bigint', ...NAMED_BY_ID });

const BY_ID = statement<Row<FoundTransaction>>(
  'transaction_by_id',
  `select ${TRANSACTION} from (${rowAsked(one)}) t ${withWrite(one)}`,
);

/** One transaction of a book by its id; null if the book has none such. */
export async function findTransaction(
  connection: Connection,
  book: Placed,
  transactionId: string,
): Promise<ReadTransaction | null> {
  const found = await connection.run(BY_ID, bind(one, book, askedById(book, transactionId)));
  return (await readTransactions(connection, book, found.map(FOUND.read)))[0] ?? null;
}

export function readEntry(row: EntryRow): ReadEntry {
  const { reverses, ...entry } = FOUND_ENTRY.read(row);
  return {
    ...entry,
    id: entryId(entry.transactionId, entry.position),
    reverses: reverses && reversedEntry(reverses.transactionId, reverses.position),
  };
}

// An entry is named by its transaction and its place: no id of its own is stored a million times.
const entryId = (transactionId: string, position: number): string =>
  `${idOf('ent', uuidOf(transactionId))}_${position}`;

const reversedEntry = (transactionId: string, position: number): ReadEntry['reverses'] => ({
  id: entryId(transactionId, position),
  transactionId,
});

/**
 * The transaction of a kind that a write has just added, as reading it back will show it; undefined if it added none.
 * `reversedId`: the transaction that a REVERSE takes back.
 */
export function asRead(
  appended: Appended,
  kind: PostingKind,
  { idempotencyKey, actor }: Pick<ReadTransaction, 'idempotencyKey' | 'actor'>,
  reversedId: string | null = null,
): ReadTransaction | undefined {
  const made = appended.transactions.find((transaction) => transaction.kind === kind);
  if (made === undefined) return undefined;
  const transactionId = idOf('txn', made.uuid);
  return {
    ...made,
    id: transactionId,
    groupId: idOf('txn', appended.transactions[0]!.uuid),
    idempotencyKey,
    actor,
    reversedId,
    entries: appended.entries
      .filter((entry) => entry.transaction === made.ordinal)
      .map((entry) => ({
        ...entry,
        id: entryId(transactionId, entry.position),
        transactionId,
        accountId: idOf('acc', entry.accountUuid),
        reverses: reversedId === null ? null : reversedEntry(reversedId, entry.reverses!.position),
      })),
  };
}
