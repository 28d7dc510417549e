import { loadCharges, readCharge } from '../tables/charge-rows.ts';
import { loadGrants, readGrant } from '../tables/grant-rows.ts';
import type { BookView } from '../book/view.ts';
import { settleAll, type Connection } from '../db/database.ts';
import type { IdPrefix } from '../id.ts';
import { isKnownAccount, placeOfTransaction } from '../ledger/journal-bounds.ts';
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
export async function assertNamed(connection: Connection, view: BookView, named: NamedIds): Promise<void> {
  const { id: bookId } = view;
  if (bookId === null) return;
  const asked = (Object.keys(WORDS) as NamedKind[]).flatMap((kind) => {
    const id = named[kind] ?? null;
    return id === null ? [] : [{ kind, id }];
  });
  const book = { shard: view.shard, bookId, version: view.version };
  const there = await settleAll(asked.map(({ kind, id }) => IS_THERE[kind](connection, book, id)));
  for (const [i, { kind, id }] of asked.entries()) if (!there[i]!) notFound(kind, id);
}

type KnownBook = { readonly shard: number; readonly bookId: string; readonly version: number };

const IS_THERE: Readonly<
  Record<NamedKind, (connection: Connection, book: KnownBook, id: string) => Promise<boolean>>
> = {
  grt: async (connection, { version, ...book }, grantId) => {
    const [row] = await loadGrants(connection, [{ ...book, grantId }]);
    return row !== undefined && readGrant(row).version <= version;
  },
  chg: async (connection, { version, ...book }, chargeId) => {
    const [row] = await loadCharges(connection, [{ ...book, chargeId }]);
    return row !== undefined && readCharge(row).charge.version <= version;
  },
  txn: async (connection, { version, ...book }, transactionId) => {
    const place = await placeOfTransaction(connection, book, transactionId);
    return place !== null && place.version <= version;
  },
  acc: (connection, book, accountId) => isKnownAccount(connection, book, accountId),
};
