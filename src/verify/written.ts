import type { Row } from '../db/codec.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { idOf, uuidOf } from '../id.ts';
import type { SubAccount } from '../ledger/account.ts';
import type { JournalTransaction } from '../ledger/journal.ts';
import { ENTRIES, TRANSACTIONS, type StoredEntry, type StoredTransaction } from '../ledger/store.ts';
import { SUB_ACCOUNTS } from '../ledger/sub-accounts.ts';
import { idIn } from '../ledger/transaction-id.ts';
import { WRITES, type StoredWrite } from '../ledger/writes.ts';
import type { BookPlace } from './book-set.ts';
import { cursor, everyUpTo } from './cursor.ts';

/** A book's journal as it stands in its rows, whatever is wrong with them: nothing is joined, what is missing is missing. */

export type WrittenEntry = StoredEntry & { readonly lateClass: number | null };

/** A sub-account and the hex digits of its id. */
export type WrittenAccount = SubAccount & { readonly uuid: string };

/** One version of a book. */
export type Written = {
  readonly version: number;
  /** Null: there is no such write. */
  readonly write: StoredWrite | null;
  /** When that was recorded. */
  readonly recordedAt: Instant | null;
  readonly transactions: readonly JournalTransaction[];
  readonly entries: readonly WrittenEntry[];
};

const ACCOUNTS = statement<Row<WrittenAccount & { readonly ordinal: number }>>(
  'sub_accounts_to_verify',
  `select ${SUB_ACCOUNTS.select('s')} from sub_accounts s where s.shard = $1 and s.book_id = $2`,
);

/** A book's sub-accounts by their ordinals. */
export const accountsOf = async (
  connection: Connection,
  { shard, id }: BookPlace,
): Promise<ReadonlyMap<number, WrittenAccount>> =>
  new Map(
    (await connection.run(ACCOUNTS, [shard, id])).map((row) => {
      const account = SUB_ACCOUNTS.read(row);
      return [account.ordinal, account];
    }),
  );

/** About how many transactions are read at once; a version is never cut, and was in memory as a whole when it was written. */
const PAGE = 1_000;

// The next versions there is anything of, as many as have about a page of transactions. No version is taken for granted.
const NEXT = statement<{ first: number | null; last: number }>(
  'versions_to_verify',
  `select next.version as first,
          least(next.version + $4::bigint - 1, coalesce(full_page.version, next.version + $4::bigint - 1)) as last
   from (
     select min(v.version) as version from (
       (select version from writes where shard = $1 and book_id = $2 and version > $3 order by version limit 1)
       union all
       (select version from transactions where shard = $1 and book_id = $2 and version > $3 order by version limit 1)
     ) v
   ) next
   left join lateral (
     select t.version from transactions t
     where t.shard = $1 and t.book_id = $2 and t.version >= next.version
     order by t.version, t.ordinal offset $4::bigint - 1 limit 1
   ) full_page on true`,
);

const WITHIN = 'r.shard = $1 and r.book_id = $2 and r.version between $3 and $4';

const WRITES_WITHIN = statement<Row<StoredWrite>>(
  'writes_to_verify',
  `select ${WRITES.select('r')} from writes r where ${WITHIN}`,
);
const TRANSACTIONS_WITHIN = statement<Row<StoredTransaction> & { id: string }>(
  'transactions_to_verify',
  `select ${TRANSACTIONS.select('r')}, ${idIn('r')} as id from transactions r where ${WITHIN} order by r.version, r.ordinal`,
);
// Sorted rather than found through their transactions: those may be wrong, or not there.
const openEntries = cursor(
  'entries_by_version',
  `select ${ENTRIES.selectAll('r')} from entries r where r.shard = $1 and r.book_id = $2 order by r.version, r.position`,
  (row: Row<StoredEntry> & { late_class: number | null }): WrittenEntry =>
    Object.assign(ENTRIES.read(row), { lateClass: row.late_class }),
  ({ version }) => version,
);

/** A book's versions, oldest first, in pages. Within one transaction, as cursors are. */
export async function* writtenVersions(
  connection: Connection,
  { shard, id }: BookPlace,
): AsyncGenerator<readonly Written[], void, undefined> {
  const entries = await openEntries(connection, [shard, id]);
  for (let last = Number.MIN_SAFE_INTEGER; ;) {
    const [next] = await connection.run(NEXT, [shard, id, last, PAGE]);
    if (next === undefined || next.first === null) break;
    ({ last } = next);
    const range = [shard, id, next.first, last];
    const [writes, transactions, own] = await awaitAll([
      connection.run(WRITES_WITHIN, range),
      connection.run(TRANSACTIONS_WITHIN, range),
      everyUpTo(entries, last),
    ]);
    yield byVersion(
      writes.map(WRITES.read),
      transactions.map((row) => Object.assign(TRANSACTIONS.read(row), { uuid: uuidOf(idOf('txn', row.id)) })),
      own,
    );
  }
  // What nothing tells of.
  for await (const own of entries.upTo(Number.MAX_SAFE_INTEGER)) {
    if (own.length > 0) yield byVersion([], [], own);
  }
}

function byVersion(
  writes: readonly StoredWrite[],
  transactions: readonly JournalTransaction[],
  entries: readonly WrittenEntry[],
): readonly Written[] {
  const writeOf = new Map(writes.map((write) => [write.version, write]));
  const transactionsOf = Map.groupBy(transactions, ({ version }) => version);
  const entriesOf = Map.groupBy(entries, ({ version }) => version);
  const versions = new Set([...writeOf.keys(), ...transactionsOf.keys(), ...entriesOf.keys()]);
  return [...versions]
    .toSorted((a, b) => a - b)
    .map((version) => ({
      version,
      write: writeOf.get(version) ?? null,
      recordedAt: writeOf.get(version)?.recordedAt ?? null,
      transactions: transactionsOf.get(version) ?? [],
      entries: entriesOf.get(version) ?? [],
    }));
}
