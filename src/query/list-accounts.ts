import { createHash } from 'node:crypto';
import type { AccountFilter, AccountTotal } from '../ledger/account-totals.ts';
import { BUSINESS_ACCOUNTS, inAccountOrder, subAccountKey } from '../ledger/account.ts';
import { accountsHeld, type AccountsAsked, type AccountsHeld } from './account-totals.ts';
import type { QueryDeps } from '../book/questions.ts';

/** Sub-accounts with what they hold. A book has as many as routes in use, and a write loads them all, too: few. */

/** Of a namespace only the business accounts are listed. */
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

export type AccountsAnswer = Omit<AccountsHeld, 'totals'> & {
  /** By account type, currency and route. Undefined: the list has nothing at `after`. */
  readonly accounts: readonly AccountTotal[] | undefined;
  readonly more: boolean;
};

/** A page of accounts; one is there from its first entry on, and stays at zero. */
export async function listAccounts(
  deps: QueryDeps,
  { filter, after, limit, ...asked }: AccountsQuestion,
  signal: AbortSignal,
): Promise<AccountsAnswer> {
  const shared = asked.customerId === null;
  const types = shared && filter.types.length === 0 ? BUSINESS_ACCOUNTS : filter.types;
  const { totals, ...moment } = await accountsHeld(deps, asked, { ...filter, types }, signal);
  // Customers' accounts are not added up, whoever asks for them.
  const listed = shared ? totals.filter(({ account }) => BUSINESS_ACCOUNTS.includes(account.type)) : totals;
  return { ...page(listed, after, limit), ...moment };
}

function page(
  totals: readonly AccountTotal[],
  after: AccountCursor | null,
  limit: number,
): Pick<AccountsAnswer, 'accounts' | 'more'> {
  const sorted = totals.toSorted((a, b) => inAccountOrder(a.account, b.account));
  const from = after === null ? 0 : sorted.findIndex((total) => cursorOf(total) === after) + 1;
  if (after !== null && from === 0) return { accounts: undefined, more: false };
  return { accounts: sorted.slice(from, from + limit), more: sorted.length > from + limit };
}
