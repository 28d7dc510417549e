import type { Amount } from '../amount.ts';

/** Customer accounts hold one customer's credit; the others belong to the business (domain.md §5). */
export type AccountType =
  | 'CUSTOMER_FBO'
  | 'CUSTOMER_RECEIVABLE'
  | 'CUSTOMER_ACCRUED'
  | 'WASH'
  | 'EARNINGS'
  | 'BROKERAGE'
  | 'BREAKAGE';

/** How far a receivable has come: owed, or authorized by the payment provider. */
export type Stage = 'OPEN' | 'AUTHORIZED';

export type Tax = { readonly code: string; readonly behavior: 'INCLUSIVE' | 'EXCLUSIVE' | null };

/** What tells two sub-accounts of one account apart. */
export type Route = {
  readonly currency: string;
  /** Sorted; empty: unrestricted. */
  readonly featureKeys: readonly string[];
  readonly priority: number | null;
  /** Money paid per unit of credit: 0 for promotional credit, null (unknown) for an advance. */
  readonly costBasis: Amount | null;
  readonly stage: Stage | null;
  readonly tax: Tax | null;
};

/** An account and its route: what entries are booked to. */
export type SubAccount = Route & { readonly type: AccountType };

/** One text per sub-account, equal exactly when the sub-accounts are. */
export const subAccountKey = (sub: SubAccount): string =>
  JSON.stringify([
    sub.type,
    sub.currency,
    sub.featureKeys,
    sub.priority,
    sub.costBasis?.toString() ?? null,
    sub.stage,
    sub.tax?.code ?? null,
    sub.tax?.behavior ?? null,
  ]);

/** What settled is the sum of: held credit, and the debt of advances, whose basis is unknown (domain.md §5). */
export const isSettled = ({ type, costBasis }: SubAccount): boolean =>
  type === 'CUSTOMER_FBO' || (type === 'CUSTOMER_RECEIVABLE' && costBasis === null);

/** The same of a row `s` of `sub_accounts`. */
export const IS_SETTLED = `(s.type = 'CUSTOMER_FBO' or (s.type = 'CUSTOMER_RECEIVABLE' and s.cost_basis is null))`;
