import type { Amount } from '../amount.ts';
import type { Moment } from '../book/view.ts';
import type { Instant } from '../instant.ts';
import type { AccountTotal } from '../ledger/account-totals.ts';
import { ACCOUNT_TYPES, type AccountType } from '../ledger/account.ts';
import { accountsAt, accountsOfNamespace } from './account-totals.ts';
import { ask, type QueryDeps } from '../book/questions.ts';

export type TrialBalanceQuestion = Moment & {
  readonly namespace: string;
  /** Null: the whole namespace. */
  readonly customerId: string | null;
  readonly minVersion: number;
  /** Null: all. */
  readonly currency: string | null;
};

export type TrialBalanceRow = {
  readonly type: AccountType;
  readonly currency: string;
  readonly amount: Amount;
};

export type TrialBalance = {
  /** By currency, then account type; accounts without an entry by then are left out. Zero in sum per currency. */
  readonly rows: readonly TrialBalanceRow[];
  /** The customer's book version; 0 for a namespace, which has none. */
  readonly version: number;
  readonly asOf: Instant;
  readonly knownAt: Instant;
};

/** The total of every account in every currency at any instant, as known at any instant, forecast included. */
export async function getTrialBalance(
  deps: QueryDeps,
  question: TrialBalanceQuestion,
  signal: AbortSignal,
): Promise<TrialBalance> {
  const { namespace, customerId, currency, ...asked } = question;
  const filter = { types: [], currency };
  if (customerId === null) {
    const { totals, ...moment } = await accountsOfNamespace(deps, namespace, question, filter, signal);
    return { rows: byAccount(totals), version: 0, ...moment };
  }
  return ask(deps, { ...asked, key: { namespace, customerId } }, async (connection, view) => {
    const { version, asOf, knownAt } = view;
    return { rows: byAccount(await accountsAt(connection, view, filter)), version, asOf, knownAt };
  });
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
