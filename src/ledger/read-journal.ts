import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from './account.ts';
import type { PostingKind } from './posting.ts';
import type { Appended } from './journal.ts';
import { readSubAccount } from './store.ts';

/** The journal of books as it was written: transactions and entries in version order. */

export type ReadEntry = {
  readonly id: string;
  readonly transactionId: string;
  readonly accountId: string;
  readonly account: SubAccount;
  readonly version: number;
  /** Order within the write, across its transactions, from 1. */
  readonly position: number;
  readonly amount: Amount;
  readonly runningTotal: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
};

export type ReadTransaction = {
  readonly id: string;
  readonly kind: PostingKind;
  readonly version: number;
  /** Order within the write, from 1. */
  readonly ordinal: number;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
  readonly hash: Buffer;
  readonly reason: string | null;
  readonly idempotencyKey: string | null;
  readonly entries: readonly ReadEntry[];
};

/** Where a page ended, in version order; pages start after it. */
export type JournalCursor = { readonly version: number; readonly position: number };

export type JournalRange = {
  readonly shard: number;
  readonly bookId: string;
  /** The last version to read. */
  readonly version: number;
  readonly after: JournalCursor;
  readonly limit: number;
};

type EntryRow = {
  version: number;
  position: number;
  transaction: number;
  transaction_id: string;
  account_id: string;
  amount: Amount;
  running_total: Amount;
  grant_id: string | null;
  charge_id: string | null;
  booked_at: Instant;
  recorded_at: Instant;
} & Parameters<typeof readSubAccount>[0];

const ENTRY = `e.version, e.position, e.transaction, t.id as transaction_id, s.id as account_id, e.amount,
  e.running_total, e.grant_id, e.charge_id, e.booked_at, t.recorded_at, s.type, s.currency, s.feature_keys, s.priority,
  s.cost_basis, s.stage, s.tax_code, s.tax_behavior`;

const WITH_ACCOUNT = `
  join transactions t on t.shard = $1 and t.book_id = e.book_id and t.version = e.version and t.ordinal = e.transaction
  join sub_accounts s on s.shard = $1 and s.book_id = e.book_id and s.ordinal = e.sub_account`;

const ENTRIES = statement<EntryRow>(
  'page_of_entries',
  `select ${ENTRY} from (
     select * from entries e
     where e.shard = $1 and e.book_id = $2 and (e.version, e.position) > ($3, $4) and e.version <= $5
     order by e.version, e.position limit $6
   ) e ${WITH_ACCOUNT}
   order by e.version, e.position`,
);

/** A page of entries, oldest version first. */
export async function pageOfEntries(
  connection: Connection,
  range: JournalRange,
): Promise<readonly ReadEntry[]> {
  const { shard, bookId, after, version, limit } = range;
  const rows = await connection.run(ENTRIES, [shard, bookId, after.version, after.position, version, limit]);
  return rows.map(readEntry);
}

type TransactionRow = {
  book_id: string;
  id: string;
  kind: PostingKind;
  version: number;
  ordinal: number;
  booked_at: Instant;
  recorded_at: Instant;
  hash: Buffer;
  reason: string | null;
  idempotency_key: string | null;
};

const TRANSACTION = `t.book_id, t.id, t.kind, t.version, t.ordinal, t.booked_at, t.recorded_at, t.hash, t.reason,
  w.idempotency_key`;

const TRANSACTIONS = statement<TransactionRow>(
  'page_of_transactions',
  `select ${TRANSACTION}
   from transactions t
   join writes w on w.shard = $1 and w.book_id = $2 and w.version = t.version
   where t.shard = $1 and t.book_id = $2 and (t.version, t.ordinal) > ($3, $4) and t.version <= $5
   order by t.version, t.ordinal limit $6`,
);

const ENTRIES_OF = statement<EntryRow>(
  'entries_of_transactions',
  `select ${ENTRY} from unnest($2::uuid[], $3::bigint[], $4::integer[]) named (book_id, version, ordinal)
   join entries e on e.shard = $1 and e.book_id = named.book_id and e.version = named.version
     and e.transaction = named.ordinal
   ${WITH_ACCOUNT}
   order by e.book_id, e.version, e.position`,
);

/** A page of transactions with their entries, oldest version first: two statements whatever the page's size. */
export async function pageOfTransactions(
  connection: Connection,
  range: JournalRange,
): Promise<readonly ReadTransaction[]> {
  const { shard, bookId, after, version, limit } = range;
  const found = await connection.run(TRANSACTIONS, [
    shard,
    bookId,
    after.version,
    after.position,
    version,
    limit,
  ]);
  return withEntries(connection, shard, found);
}

/** A write whose transactions are asked for, but those up to the ordinal `after`. */
export type NamedWrite = { readonly bookId: string; readonly version: number; readonly after: number };

const OF_WRITES = statement<TransactionRow & { write: number }>(
  'transactions_of_writes',
  `select (named.number - 1)::integer as write, ${TRANSACTION}
   from unnest($2::uuid[], $3::bigint[], $4::integer[]) with ordinality named (book_id, version, after, number)
   join transactions t on t.shard = $1 and t.book_id = named.book_id and t.version = named.version
     and t.ordinal > named.after
   join writes w on w.shard = $1 and w.book_id = t.book_id and w.version = t.version
   order by named.number, t.ordinal limit $5`,
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
  const found = await connection.run(OF_WRITES, [
    ...[shard, writes.map((write) => write.bookId), writes.map((write) => write.version)],
    ...[writes.map((write) => write.after), limit],
  ]);
  const transactions = await withEntries(connection, shard, found);
  return transactions.map((transaction, i) => ({ write: found[i]!.write, transaction }));
}

async function withEntries(
  connection: Connection,
  shard: number,
  found: readonly TransactionRow[],
): Promise<readonly ReadTransaction[]> {
  if (found.length === 0) return [];
  const entries = await connection.run(ENTRIES_OF, [
    ...[shard, found.map((row) => row.book_id), found.map((row) => row.version)],
    found.map((row) => row.ordinal),
  ]);
  const byTransaction = Map.groupBy(entries, (row) => row.transaction_id);
  return found.map((row) => ({
    id: idOf('txn', row.id),
    kind: row.kind,
    version: row.version,
    ordinal: row.ordinal,
    bookedAt: row.booked_at,
    recordedAt: row.recorded_at,
    hash: row.hash,
    reason: row.reason,
    idempotencyKey: row.idempotency_key,
    entries: (byTransaction.get(row.id) ?? []).map(readEntry),
  }));
}

const readEntry = (row: EntryRow): ReadEntry => ({
  // An entry is named by its transaction and its place: no id of its own is stored a million times.
  id: `${idOf('ent', row.transaction_id)}_${row.position}`,
  transactionId: idOf('txn', row.transaction_id),
  accountId: idOf('acc', row.account_id),
  account: readSubAccount(row),
  version: row.version,
  position: row.position,
  amount: row.amount,
  runningTotal: row.running_total,
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
  bookedAt: row.booked_at,
  recordedAt: row.recorded_at,
});

/** The transactions a write has just added, as reading them back will show them. */
export const asRead = (appended: Appended, idempotencyKey: string | null): readonly ReadTransaction[] =>
  appended.transactions.map((transaction) => ({
    ...transaction,
    id: idOf('txn', transaction.uuid),
    idempotencyKey,
    entries: appended.entries
      .filter((entry) => entry.transaction === transaction.ordinal)
      .map((entry) => ({
        ...entry,
        id: `${idOf('ent', transaction.uuid)}_${entry.position}`,
        transactionId: idOf('txn', transaction.uuid),
        accountId: idOf('acc', entry.accountUuid),
      })),
  }));
