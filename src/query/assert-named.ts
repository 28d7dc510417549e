import type { KnownBook } from '../db/placement.ts';
import { chargesOf } from '../tables/charges.ts';
import { grantsOf } from '../tables/grants.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import type { IdPrefix } from '../id.ts';
import { isKnownAccount } from '../ledger/account-totals.ts';
import { placeOfTransaction } from '../ledger/journal-bounds.ts';
import { refuse } from '../refusal.ts';

/** What a question or a write names by its id has to be there; of a customer nobody has written about all lists are empty. */

const WORDS = {
  grt: ['GRANT_NOT_FOUND', 'grant'],
  chg: ['CHARGE_NOT_FOUND', 'charge'],
  txn: ['TRANSACTION_NOT_FOUND', 'transaction'],
  acc: ['TRANSACTION_NOT_FOUND', 'account'],
} as const satisfies Partial<Record<IdPrefix, readonly string[]>>;

export type NamedKind = keyof typeof WORDS;

/** Refuses an id that names nothing of the customer's. */
export function notFound(kind: NamedKind, id: string): never {
  const [reason, what] = WORDS[kind];
  return refuse(reason, `this customer has no ${what} ${id}`, { id });
}

/** What a filter names; null: nothing. */
export type NamedIds = Readonly<Partial<Record<NamedKind, string | null>>>;

/** Refuses the first of the ids that names nothing which the book has, as known. */
export async function assertNamed(connection: Connection, book: KnownBook, named: NamedIds): Promise<void> {
  const asked = (Object.keys(WORDS) as NamedKind[]).flatMap((kind) => {
    const id = named[kind] ?? null;
    return id === null ? [] : [{ kind, id }];
  });
  const there = await awaitAll(asked.map(({ kind, id }) => IS_THERE[kind](connection, book, id)));
  for (const [i, { kind, id }] of asked.entries()) if (!there[i]!) notFound(kind, id);
}

const IS_THERE: Readonly<
  Record<NamedKind, (connection: Connection, book: KnownBook, id: string) => Promise<boolean>>
> = {
  grt: async (connection, book, grantId) => {
    const [own] = await grantsOf(connection, book, [grantId]);
    return own !== undefined && own.version <= book.version;
  },
  chg: async (connection, book, chargeId) => {
    const [own] = await chargesOf(connection, book, [chargeId]);
    return own !== undefined && own.charge.version <= book.version;
  },
  txn: async (connection, book, transactionId) => {
    const place = await placeOfTransaction(connection, book, transactionId);
    return place !== null && place.version <= book.version;
  },
  acc: (connection, book, accountId) => isKnownAccount(connection, book, accountId),
};
