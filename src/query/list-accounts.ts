import { createHash } from 'node:crypto';
import type { QueryDeps } from '../book/questions.ts';
import type { AccountFilter, AccountTotal } from '../ledger/account-totals.ts';
import { BUSINESS_ACCOUNTS, inAccountOrder, subAccountKey } from '../ledger/account.ts';
import { accountsHeld, type AccountsHeld, type AccountsAsked } from './account-totals.ts';

/** Sub-accounts with what they hold. A book has as many as routes in use, and a write loads them all, too: few. */

export type AccountsQuestion = AccountsAsked & {
  readonly filter: AccountFilter;
  /** Where the page before ended; null for the first. */
  readonly after: AccountCursor | null;
  readonly limit: number;
};

/** Names a row of a list of accounts: a digest of its route, which can be longer than a page token. */
export type AccountCursor = string;

export const cursorOf = ({ account }: AccountTotal): AccountCursor =>
  createHash('sha256').update(subAccountKey(account)).digest('hex').slice(0, 32);

export type AccountsAnswer = Pick<AccountsHeld, 'view'> & {
  /** By account type, currency and route. Undefined: the list has nothing at `after`. */
  readonly accounts: readonly AccountTotal[] | undefined;
  readonly more: boolean;
};

/** A page of accounts, of a namespace its business accounts; one is there from its first entry on, and stays at zero. */
export async function listAccounts(
  deps: QueryDeps,
  question: AccountsQuestion,
  signal: AbortSignal,
): Promise<AccountsAnswer> {
  const { filter, after, limit, ...asked } = question;
  const ofNamespace = asked.customerId === null;
  const types = ofNamespace && filter.types.length === 0 ? BUSINESS_ACCOUNTS : filter.types;
  const { totals, view } = await accountsHeld(deps, asked, { ...filter, types }, signal);
  // Customers' accounts are not added up, whoever asks for them.
  const shown = totals.filter(({ account }) => !ofNamespace || BUSINESS_ACCOUNTS.includes(account.type));
  const sorted = shown.toSorted((a, b) => inAccountOrder(a.account, b.account));
  const from = after === null ? 0 : sorted.findIndex((total) => cursorOf(total) === after) + 1;
  if (after !== null && from === 0) return { accounts: undefined, more: false, view };
  return { accounts: sorted.slice(from, from + limit), more: sorted.length > from + limit, view };
}
