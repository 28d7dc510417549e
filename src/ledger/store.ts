import { bulkInsert } from '../db/bulk.ts';
import { bigint, bytea, integer, numeric, smallint, text, texts, timestamptz, uuid } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { booksOnce, inShard, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { uuidOf } from '../id.ts';
import type { Amount } from '../amount.ts';
import { subAccountKey, type SubAccount } from './account.ts';
import { lastTotal } from './as-of.ts';
import { completesBlock, sumUpLateEntries } from './late-entries.ts';
import type { Appended, JournalEntry, JournalHead, JournalTransaction, SubAccountHead } from './journal.ts';
import { storeWrites, type WritesOf } from './writes.ts';

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
          s.tax_code, s.tax_behavior, last.amount as total
   from unnest($1::smallint[], $2::uuid[]) named (shard, book_id)
   ${ofNamed('sub_accounts', 's', 'true')}
   left join lateral (${lastTotal({ shard: 's.shard', bookId: 's.book_id', account: 's.ordinal', where: inShard('e') })}
   ) last on true`,
);

/** The sub-accounts of some books with their running totals, by book; the heads' hashes are kept with the books. */
export async function loadSubAccounts(
  connection: Connection,
  named: readonly Placed[],
): Promise<ReadonlyMap<string, JournalHead['subAccounts']>> {
  const books = new Map<string, Map<string, SubAccountHead>>();
  if (named.length === 0) return books;
  const rows = await connection.run(SUB_ACCOUNTS, placesOf(booksOnce(named)));
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

type Owned<Fact> = Placed & { readonly fact: Fact };

const insertSubAccounts = bulkInsert<Owned<Appended['opened'][number]>>('sub_accounts', {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  ordinal: integer(({ fact }) => fact.ordinal),
  id: uuid(({ fact }) => fact.uuid),
  type: text(({ fact }) => fact.type),
  currency: text(({ fact }) => fact.currency),
  feature_keys: texts(({ fact }) => fact.featureKeys),
  priority: smallint(({ fact }) => fact.priority),
  cost_basis: numeric(({ fact }) => fact.costBasis),
  stage: text(({ fact }) => fact.stage),
  tax_code: text(({ fact }) => fact.tax?.code ?? null),
  tax_behavior: text(({ fact }) => fact.tax?.behavior ?? null),
});

const insertTransactions = bulkInsert<Owned<JournalTransaction>>('transactions', {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  version: bigint(({ fact }) => fact.version),
  ordinal: integer(({ fact }) => fact.ordinal),
  id: uuid(({ fact }) => fact.uuid),
  kind: text(({ fact }) => fact.kind),
  booked_at: timestamptz(({ fact }) => fact.bookedAt),
  recorded_at: timestamptz(({ fact }) => fact.recordedAt),
  grant_id: uuid(({ fact }) => uuidOrNull(fact.grantId)),
  charge_id: uuid(({ fact }) => uuidOrNull(fact.chargeId)),
  reason: text(({ fact }) => fact.reason),
  hash: bytea(({ fact }) => fact.hash),
});

const insertEntries = bulkInsert<Owned<JournalEntry>>('entries', {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  version: bigint(({ fact }) => fact.version),
  position: integer(({ fact }) => fact.position),
  transaction: integer(({ fact }) => fact.transaction),
  sub_account: integer(({ fact }) => fact.subAccount),
  kind: text(({ fact }) => fact.kind),
  amount: numeric(({ fact }) => fact.amount),
  running_total: numeric(({ fact }) => fact.runningTotal),
  grant_id: uuid(({ fact }) => uuidOrNull(fact.grantId)),
  grant_remaining: numeric(({ fact }) => fact.grantRemaining),
  charge_id: uuid(({ fact }) => uuidOrNull(fact.chargeId)),
  reversed_version: bigint(({ fact }) => fact.reverses?.version ?? null),
  reversed_position: integer(({ fact }) => fact.reverses?.position ?? null),
  booked_at: timestamptz(({ fact }) => fact.bookedAt),
  late_class: smallint(({ fact }) => spanClass(fact.bookedAt, fact.recordedAt)),
});

/** What a batch appended to a book. */
export type AppendedTo = WritesOf & { readonly appended: readonly Appended[] };

/** Adds what was appended to some books: a constant number of statements, all in one round trip. */
export function storeJournals(
  connection: Connection,
  journals: readonly AppendedTo[],
): readonly Promise<unknown>[] {
  const all = <Fact>(factsOf: (part: Appended) => readonly Fact[]): readonly Owned<Fact>[] =>
    journals.flatMap(({ shard, bookId, appended }) =>
      appended.flatMap((part) => factsOf(part).map((fact) => ({ shard, bookId, fact }))),
    );
  return [
    storeWrites(connection, journals),
    insertSubAccounts(
      connection,
      all(({ opened }) => opened),
    ),
    insertTransactions(
      connection,
      all(({ transactions }) => transactions),
    ),
    insertEntries(
      connection,
      all(({ entries }) => entries),
    ),
    ...sumUpLateEntries(
      connection,
      journals
        .map(({ writes, ...book }) => ({ ...book, first: writes[0]!.version, last: writes.at(-1)!.version }))
        .filter(completesBlock),
    ),
  ];
}

const uuidOrNull = (id: string | null): string | null => (id === null ? null : uuidOf(id));
