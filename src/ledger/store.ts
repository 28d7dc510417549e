import { formatAmount } from '../amount.ts';
import { bulkInsert } from '../db/bulk.ts';
import { statement, type Connection } from '../db/database.ts';
import { inShard, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { Amount } from '../amount.ts';
import { subAccountKey, type SubAccount } from './account.ts';
import type { Appended, JournalEntry, JournalHead, JournalTransaction, SubAccountHead } from './journal.ts';

/** The only writer of `sub_accounts`, `transactions` and `entries`. */

type SubAccountRow = {
  book_id: string;
  id: string;
  ordinal: number;
  type: SubAccount['type'];
  currency: string;
  feature_keys: string[];
  priority: number | null;
  cost_basis: Amount | null;
  stage: SubAccount['stage'];
  tax_code: string | null;
  tax_behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null;
};

const SUB_ACCOUNTS = statement<SubAccountRow & { total: Amount | null }>(
  'ledger_heads',
  `select s.book_id, s.id, s.ordinal, s.type, s.currency, s.feature_keys, s.priority, s.cost_basis, s.stage,
          s.tax_code, s.tax_behavior, last.running_total as total
   from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('sub_accounts', 's', 'true')}
   left join lateral (
     select e.running_total from entries e
     where e.shard = s.shard and e.book_id = s.book_id and e.sub_account = s.ordinal and ${inShard('e')}
     order by e.version desc, e.position desc limit 1
   ) last on true`,
);

/** The sub-accounts of some books with their running totals, by book; the heads' hashes are kept with the books. */
export async function loadSubAccounts(
  connection: Connection,
  named: readonly Placed[],
): Promise<ReadonlyMap<string, JournalHead['subAccounts']>> {
  const books = new Map<string, Map<string, SubAccountHead>>();
  if (named.length === 0) return books;
  const rows = await connection.run(SUB_ACCOUNTS, placesOf(named));
  for (const row of rows) {
    const accounts = books.get(row.book_id) ?? new Map<string, SubAccountHead>();
    accounts.set(subAccountKey(readSubAccount(row)), {
      uuid: row.id.replaceAll('-', ''),
      ordinal: row.ordinal,
      total: row.total ?? 0n,
    });
    books.set(row.book_id, accounts);
  }
  return books;
}

export const readSubAccount = (row: Omit<SubAccountRow, 'book_id' | 'id' | 'ordinal'>): SubAccount => ({
  type: row.type,
  currency: row.currency,
  featureKeys: row.feature_keys,
  priority: row.priority,
  costBasis: row.cost_basis,
  stage: row.stage,
  tax: row.tax_code === null ? null : { code: row.tax_code, behavior: row.tax_behavior },
});

const insertSubAccounts = bulkInsert('sub_accounts', {
  shard: 'smallint',
  book_id: 'uuid',
  ordinal: 'integer',
  id: 'uuid',
  type: 'text',
  currency: 'text',
  feature_keys: 'text[]',
  priority: 'smallint',
  cost_basis: 'numeric',
  stage: 'text',
  tax_code: 'text',
  tax_behavior: 'text',
});

const insertTransactions = bulkInsert('transactions', {
  shard: 'smallint',
  book_id: 'uuid',
  version: 'bigint',
  ordinal: 'integer',
  id: 'uuid',
  kind: 'text',
  booked_at: 'timestamptz',
  recorded_at: 'timestamptz',
  grant_id: 'uuid',
  charge_id: 'uuid',
  reason: 'text',
  hash: 'bytea',
});

const insertEntries = bulkInsert('entries', {
  shard: 'smallint',
  book_id: 'uuid',
  version: 'bigint',
  position: 'integer',
  transaction: 'integer',
  sub_account: 'integer',
  kind: 'text',
  amount: 'numeric',
  running_total: 'numeric',
  grant_id: 'uuid',
  grant_remaining: 'numeric',
  charge_id: 'uuid',
  reversed_version: 'bigint',
  reversed_position: 'integer',
  booked_at: 'timestamptz',
  late_class: 'smallint',
});

/** Adds what was appended to some books: a constant number of statements, all in one round trip. */
export function storeJournals(
  connection: Connection,
  journals: readonly (Placed & { readonly appended: readonly Appended[] })[],
): readonly Promise<void>[] {
  const all = journals.flatMap(({ shard, bookId, appended }) =>
    appended.map((part) => ({ key: { shard, book_id: bookId }, ...part })),
  );
  return [
    insertSubAccounts(
      connection,
      all.flatMap(({ key, opened }) => opened.map((account) => accountRow(key, account))),
    ),
    insertTransactions(
      connection,
      all.flatMap(({ key, transactions }) => transactions.map((one) => transactionRow(key, one))),
    ),
    insertEntries(
      connection,
      all.flatMap(({ key, entries }) => entries.map((entry) => entryRow(key, entry))),
    ),
  ];
}

type Key = { readonly shard: number; readonly book_id: string };

const accountRow = (key: Key, account: Appended['opened'][number]) => ({
  ...key,
  ordinal: account.ordinal,
  id: account.uuid,
  type: account.type,
  currency: account.currency,
  feature_keys: account.featureKeys,
  priority: account.priority,
  cost_basis: account.costBasis === null ? null : formatAmount(account.costBasis),
  stage: account.stage,
  tax_code: account.tax?.code ?? null,
  tax_behavior: account.tax?.behavior ?? null,
});

const transactionRow = (key: Key, transaction: JournalTransaction) => ({
  ...key,
  version: transaction.version,
  ordinal: transaction.ordinal,
  id: transaction.uuid,
  kind: transaction.kind,
  hash: transaction.hash,
  booked_at: timestamp(transaction.bookedAt),
  recorded_at: timestamp(transaction.recordedAt),
  grant_id: uuidOrNull(transaction.grantId),
  charge_id: uuidOrNull(transaction.chargeId),
  reason: transaction.reason,
});

const entryRow = (key: Key, entry: JournalEntry) => ({
  ...key,
  version: entry.version,
  position: entry.position,
  kind: entry.kind,
  transaction: entry.transaction,
  sub_account: entry.subAccount,
  amount: formatAmount(entry.amount),
  running_total: formatAmount(entry.runningTotal),
  grant_id: uuidOrNull(entry.grantId),
  grant_remaining: entry.grantRemaining === null ? null : formatAmount(entry.grantRemaining),
  charge_id: uuidOrNull(entry.chargeId),
  reversed_version: entry.reverses?.version ?? null,
  reversed_position: entry.reverses?.position ?? null,
  booked_at: timestamp(entry.bookedAt),
  late_class: spanClass(entry.bookedAt, entry.recordedAt),
});

const uuidOrNull = (id: string | null): string | null => (id === null ? null : uuidOf(id));
