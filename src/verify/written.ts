import type { Amount } from '../amount.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from '../ledger/account.ts';
import type { Salt } from '../ledger/hash.ts';
import type { JournalEntry, JournalTransaction } from '../ledger/journal.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { readSubAccount } from '../ledger/store.ts';

/** A book's journal as it stands in its rows, whatever is wrong with them: nothing is joined, what is missing is missing. */

export type WrittenTransaction = JournalTransaction;

export type WrittenEntry = Omit<JournalEntry, 'account' | 'accountUuid' | 'recordedAt'> & {
  readonly lateClass: number | null;
};

/** A row of `writes`. */
export type WrittenWrite = {
  readonly recordedAt: Instant;
  readonly method: string;
  readonly idempotencyKey: string | null;
  readonly feedPosition: number;
  /** Of its hash and those of its transactions (src/ledger/hash.ts); the first has neither salt nor hash. */
  readonly format: number;
  readonly salt: Salt | null;
  readonly hash: Buffer | null;
};

/** A sub-account and the hex digits of its id. */
export type WrittenAccount = SubAccount & { readonly uuid: string };

/** One version of a book. */
export type Written = {
  readonly version: number;
  /** Null: there is no such write. */
  readonly write: WrittenWrite | null;
  /** When that was recorded. */
  readonly recordedAt: Instant | null;
  readonly transactions: readonly WrittenTransaction[];
  readonly entries: readonly WrittenEntry[];
};

type Book = { readonly shard: number; readonly id: string };

const ACCOUNTS = statement<{ ordinal: number; id: string } & Parameters<typeof readSubAccount>[0]>(
  'sub_accounts_to_verify',
  `select ordinal, id, type, currency, feature_keys, priority, cost_basis, stage, tax_code, tax_behavior
   from sub_accounts where shard = $1 and book_id = $2`,
);

/** A book's sub-accounts by their ordinals. */
export const accountsOf = async (
  connection: Connection,
  { shard, id }: Book,
): Promise<ReadonlyMap<number, WrittenAccount>> =>
  new Map(
    (await connection.run(ACCOUNTS, [shard, id])).map(
      (row) => [row.ordinal, { ...readSubAccount(row), uuid: row.id.replaceAll('-', '') }] as const,
    ),
  );

/** About how many entries are read at once; a version is never cut, and was in memory as a whole when it was written. */
const PAGE = 2_000;

// The next versions there is anything of, as many as have about a page of entries. No version is taken for granted.
const NEXT = statement<{ first: number | null; last: number }>(
  'versions_to_verify',
  `select next.version as first,
          least(next.version + $4::bigint - 1, coalesce(full_page.version, next.version + $4::bigint - 1)) as last
   from (
     select min(v.version) as version from (
       (select version from writes where shard = $1 and book_id = $2 and version > $3 order by version limit 1)
       union all
       (select version from transactions where shard = $1 and book_id = $2 and version > $3 order by version limit 1)
       union all
       (select version from entries where shard = $1 and book_id = $2 and version > $3 order by version limit 1)
     ) v
   ) next
   left join lateral (
     select e.version from entries e
     where e.shard = $1 and e.book_id = $2 and e.version >= next.version
     order by e.version, e.position offset $4::bigint - 1 limit 1
   ) full_page on true`,
);

const WITHIN = 'shard = $1 and book_id = $2 and version between $3 and $4';

type WriteRow = {
  version: number;
  recorded_at: Instant;
  method: string;
  idempotency_key: string | null;
  feed_position: number;
  format: number;
  salt: Buffer | null;
  hash: Buffer | null;
};

const WRITES = statement<WriteRow>(
  'writes_to_verify',
  `select version, recorded_at, method, idempotency_key, feed_position, format, salt, hash from writes
   where ${WITHIN} order by version`,
);

type TransactionRow = {
  id: string;
  version: number;
  ordinal: number;
  kind: PostingKind;
  booked_at: Instant;
  recorded_at: Instant;
  grant_id: string | null;
  charge_id: string | null;
  reason: string | null;
  hash: Buffer;
};

const TRANSACTIONS = statement<TransactionRow>(
  'transactions_to_verify',
  `select id, version, ordinal, kind, booked_at, recorded_at, grant_id, charge_id, reason, hash
   from transactions where ${WITHIN} order by version, ordinal`,
);

type EntryRow = {
  version: number;
  position: number;
  transaction: number;
  sub_account: number;
  kind: PostingKind;
  amount: Amount;
  running_total: Amount;
  grant_id: string | null;
  grant_remaining: Amount | null;
  charge_id: string | null;
  reversed_version: number | null;
  reversed_position: number | null;
  booked_at: Instant;
  late_class: number | null;
};

const ENTRIES = statement<EntryRow>(
  'entries_to_verify',
  `select version, position, transaction, sub_account, kind, amount, running_total, grant_id, grant_remaining, charge_id,
          reversed_version, reversed_position, booked_at, late_class
   from entries where ${WITHIN} order by version, position`,
);

/** A book's versions, oldest first, in pages. */
export async function* writtenVersions(
  connection: Connection,
  { shard, id }: Book,
): AsyncGenerator<readonly Written[], void, undefined> {
  for (let last = Number.MIN_SAFE_INTEGER; ;) {
    const [next] = await connection.run(NEXT, [shard, id, last, PAGE]);
    if (next === undefined || next.first === null) return;
    ({ last } = next);
    const range = [shard, id, next.first, last];
    const [writes, transactions, entries] = await settleAll([
      connection.run(WRITES, range),
      connection.run(TRANSACTIONS, range),
      connection.run(ENTRIES, range),
    ]);
    yield byVersion(writes, transactions.map(readTransaction), entries.map(readEntry));
  }
}

function byVersion(
  writes: readonly WriteRow[],
  transactions: readonly WrittenTransaction[],
  entries: readonly WrittenEntry[],
): readonly Written[] {
  const written = new Map(writes.map((row) => [row.version, readWrite(row)]));
  const transactionsOf = Map.groupBy(transactions, ({ version }) => version);
  const entriesOf = Map.groupBy(entries, ({ version }) => version);
  const versions = new Set([...written.keys(), ...transactionsOf.keys(), ...entriesOf.keys()]);
  return [...versions]
    .toSorted((a, b) => a - b)
    .map((version) => ({
      version,
      write: written.get(version) ?? null,
      recordedAt: written.get(version)?.recordedAt ?? null,
      transactions: transactionsOf.get(version) ?? [],
      entries: entriesOf.get(version) ?? [],
    }));
}

const readWrite = (row: WriteRow): WrittenWrite => ({
  recordedAt: row.recorded_at,
  method: row.method,
  idempotencyKey: row.idempotency_key,
  feedPosition: row.feed_position,
  ...{ format: row.format, salt: row.salt, hash: row.hash },
});

const readTransaction = (row: TransactionRow): WrittenTransaction => ({
  uuid: row.id,
  version: row.version,
  ordinal: row.ordinal,
  kind: row.kind,
  bookedAt: row.booked_at,
  recordedAt: row.recorded_at,
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
  reason: row.reason,
  hash: row.hash,
});

const readEntry = (row: EntryRow): WrittenEntry => ({
  version: row.version,
  position: row.position,
  transaction: row.transaction,
  subAccount: row.sub_account,
  kind: row.kind,
  amount: row.amount,
  runningTotal: row.running_total,
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  grantRemaining: row.grant_remaining,
  chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
  reverses:
    row.reversed_version === null || row.reversed_position === null
      ? null
      : { version: row.reversed_version, position: row.reversed_position },
  bookedAt: row.booked_at,
  lateClass: row.late_class,
});
