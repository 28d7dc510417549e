import { createHash } from 'node:crypto';
import type { Moment } from '../book/view.ts';
import type { Instant } from '../instant.ts';
import type { AccountFilter, AccountTotal } from '../ledger/account-totals.ts';
import { BUSINESS_ACCOUNTS, inAccountOrder, subAccountKey } from '../ledger/account.ts';
import { accountsAt, accountsOfNamespace } from './account-totals.ts';
import { ask, type QueryDeps } from '../book/questions.ts';

/** Sub-accounts with what they hold. A book has as many as routes in use, and a write loads them all, too: few. */

export type AccountsQuestion = Moment & {
  readonly namespace: string;
  /** Null: the business accounts of the namespace, added up over all books. */
  readonly customerId: string | null;
  readonly minVersion: number;
  readonly filter: AccountFilter;
  /** Where the page before ended; null for the first. */
  readonly after: AccountCursor | null;
  readonly limit: number;
};

/** Names a row of a list of accounts: a digest of its route, which can be longer than a page token. */
export type AccountCursor = string;

export const cursorOf = ({ account }: AccountTotal): AccountCursor =>
  createHash('sha256').update(subAccountKey(account)).digest('hex').slice(0, 32);

export type AccountsAnswer = {
  /** By account type, currency and route. Undefined: the list has nothing at `after`. */
  readonly accounts: readonly AccountTotal[] | undefined;
  readonly more: boolean;
  /** The customer's book version; 0 for a namespace, which has none. */
  readonly version: number;
  readonly asOf: Instant;
  readonly knownAt: Instant;
};

/** A page of accounts; one is there from its first entry on, and stays at zero. */
export async function listAccounts(
  deps: QueryDeps,
  question: AccountsQuestion,
  signal: AbortSignal,
): Promise<AccountsAnswer> {
  const { namespace, customerId, filter, ...asked } = question;
  if (customerId === null) {
    const asks = filter.types.length === 0 ? BUSINESS_ACCOUNTS : filter.types;
    const { totals, ...moment } = await accountsOfNamespace(
      deps,
      namespace,
      question,
      { ...filter, types: asks },
      signal,
    );
    // Customers' accounts are not added up, whoever asks for them.
    const shared = totals.filter(({ account }) => BUSINESS_ACCOUNTS.includes(account.type));
    return { ...page(shared, question), version: 0, ...moment };
  }
  return ask(deps, { ...asked, key: { namespace, customerId } }, async (connection, view) => {
    const { version, asOf, knownAt } = view;
    return { ...page(await accountsAt(connection, view, filter), question), version, asOf, knownAt };
  });
}

function page(
  totals: readonly AccountTotal[],
  { after, limit }: AccountsQuestion,
): Pick<AccountsAnswer, 'accounts' | 'more'> {
  const sorted = totals.toSorted((a, b) => inAccountOrder(a.account, b.account));
  const from = after === null ? 0 : sorted.findIndex((total) => cursorOf(total) === after) + 1;
  if (after !== null && from === 0) return { accounts: undefined, more: false };
  return { accounts: sorted.slice(from, from + limit), more: sorted.length > from + limit };
}
