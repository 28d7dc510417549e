import { ifAny } from '../db/codec.ts';
import {
  as,
  bigint,
  bytea,
  digits,
  id,
  integer,
  integers,
  inKey,
  computed,
  numeric,
  optional,
  smallint,
  text,
  timestamptz,
} from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import { tableOf, type Owned } from '../db/table.ts';
import { completesBlock, sumUpLateEntries } from './late-entries.ts';
import type { Appended, JournalEntry, JournalTransaction } from './journal.ts';
import { SUB_ACCOUNTS } from './sub-accounts.ts';
import { storeWrites, type WritesOf } from './writes.ts';

/** The only writer of `transactions` and `entries`, and of all that a batch appends to journals. */

/** A transaction as it is stored: its place is its id. */
export type StoredTransaction = Omit<JournalTransaction, 'uuid'>;

export const TRANSACTIONS = tableOf<StoredTransaction>(
  'transactions',
  {
    version: inKey(bigint),
    ordinal: inKey(integer),
    kind: text,
    bookedAt: timestamptz,
    recordedAt: timestamptz,
    grantId: optional(id('grt')),
    chargeId: optional(id('chg')),
    reason: optional(text),
    firstPosition: integer,
    subAccounts: integers,
    hash: bytea,
  },
  { id: computed(optional(digits), () => null) },
);

/** An entry as it is stored: its account by ordinal, and when it was recorded by version. */
export type StoredEntry = Omit<JournalEntry, 'account' | 'accountKey' | 'accountUuid' | 'recordedAt'>;

export const ENTRIES = tableOf<StoredEntry, { readonly fact: JournalEntry }>(
  'entries',
  {
    version: inKey(bigint),
    position: inKey(integer),
    transaction: integer,
    subAccount: inKey(integer),
    kind: text,
    amount: numeric,
    runningTotal: numeric,
    grantId: optional(id('grt')),
    grantRemaining: optional(numeric),
    chargeId: optional(id('chg')),
    reverses: ifAny({ version: as('reversed_version', bigint), position: as('reversed_position', integer) }),
    bookedAt: timestamptz,
  },
  { late_class: computed(optional(smallint), ({ fact }) => spanClass(fact.bookedAt, fact.recordedAt)) },
);

/** What a batch appended to a book. */
export type AppendedTo = WritesOf & { readonly appended: readonly Appended[] };

/** Adds what was appended to some books: a constant number of statements, all in one round trip. */
export function storeJournals(
  connection: Connection,
  journals: readonly AppendedTo[],
): readonly Promise<unknown>[] {
  const all = <Fact>(factsOf: (part: Appended) => readonly Fact[]): readonly Owned<Fact>[] => {
    const rows: Owned<Fact>[] = [];
    for (const { shard, bookId, appended } of journals)
      for (const part of appended) for (const fact of factsOf(part)) rows.push({ shard, bookId, fact });
    return rows;
  };
  return [
    storeWrites(connection, journals),
    SUB_ACCOUNTS.insert(
      connection,
      all(({ opened }) => opened),
    ),
    TRANSACTIONS.insert(
      connection,
      all(({ transactions }) => transactions),
    ),
    ENTRIES.insert(
      connection,
      all(({ entries }) => entries),
    ),
    ...sumUpLateEntries(
      connection,
      journals
        .map(({ shard, bookId, writes }) => {
          return { shard, bookId, first: writes[0]!.version, last: writes.at(-1)!.version };
        })
        .filter(completesBlock),
    ),
  ];
}
