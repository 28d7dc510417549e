import type { Amount } from '../amount.ts';
import type { QueryDeps } from '../book/questions.ts';
import type { AccountTotal } from '../ledger/account-totals.ts';
import { ACCOUNT_TYPES, type AccountType } from '../ledger/account.ts';
import { accountsHeld, type AccountsHeld, type AccountsAsked } from './account-totals.ts';

export type TrialBalanceRow = {
  readonly type: AccountType;
  readonly currency: string;
  readonly amount: Amount;
};

export type TrialBalance = Pick<AccountsHeld, 'view'> & {
  /** By currency, then account type; accounts without an entry by then are left out. Zero in sum per currency. */
  readonly rows: readonly TrialBalanceRow[];
};

/** The total of every account in every currency (null: all) at any instant, as known at any instant, forecast included. */
export async function getTrialBalance(
  deps: QueryDeps,
  { currency, ...asked }: AccountsAsked & { readonly currency: string | null },
  signal: AbortSignal,
): Promise<TrialBalance> {
  const { totals, view } = await accountsHeld(deps, asked, { types: [], currency }, signal);
  return { rows: byAccount(totals), view };
}

function byAccount(totals: readonly AccountTotal[]): readonly TrialBalanceRow[] {
  const currencies = [...new Set(totals.map(({ account }) => account.currency))].toSorted();
  return currencies.flatMap((currency) =>
    ACCOUNT_TYPES.flatMap((type) => {
      const own = totals.filter(({ account }) => account.type === type && account.currency === currency);
      if (own.length === 0) return [];
      return [{ type, currency, amount: own.reduce((sum, { amount }) => sum + amount, 0n) }];
    }),
  );
}
