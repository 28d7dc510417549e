import type { Amount } from '../amount.ts';
import type { AccountTotal } from '../ledger/account-totals.ts';
import { ACCOUNT_TYPES, type AccountType } from '../ledger/account.ts';
import { accountsHeld, type AccountsAsked, type AccountsHeld } from './account-totals.ts';
import type { QueryDeps } from '../book/questions.ts';

export type TrialBalanceQuestion = AccountsAsked & {
  /** Null: all. */
  readonly currency: string | null;
};

export type TrialBalanceRow = {
  readonly type: AccountType;
  readonly currency: string;
  readonly amount: Amount;
};

export type TrialBalance = Omit<AccountsHeld, 'totals'> & {
  /** By currency, then account type; accounts without an entry by then are left out. Zero in sum per currency. */
  readonly rows: readonly TrialBalanceRow[];
};

/** The total of every account in every currency at any instant, as known at any instant, forecast included. */
export async function getTrialBalance(
  deps: QueryDeps,
  { currency, ...asked }: TrialBalanceQuestion,
  signal: AbortSignal,
): Promise<TrialBalance> {
  const { totals, ...moment } = await accountsHeld(deps, asked, { types: [], currency }, signal);
  return { rows: byAccount(totals), ...moment };
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
