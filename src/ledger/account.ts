import type { Amount } from '../amount.ts';

/**
 * Customer accounts hold one customer's credit; the others belong to the business (domain.md §5). In the order lists show
 * them.
 */
export const ACCOUNT_TYPES = [
  'CUSTOMER_FBO',
  'CUSTOMER_RECEIVABLE',
  'CUSTOMER_ACCRUED',
  'WASH',
  'EARNINGS',
  'BROKERAGE',
  'BREAKAGE',
] as const;
export type AccountType = (typeof ACCOUNT_TYPES)[number];

/** Those of the business, which a namespace shares. */
export const BUSINESS_ACCOUNTS: readonly AccountType[] = ACCOUNT_TYPES.filter(
  (type) => !type.startsWith('CUSTOMER_'),
);

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

/** By type, currency, then route: unrestricted first, what has no such part before what has, numbers by size. */
export const inAccountOrder = (a: SubAccount, b: SubAccount): number =>
  ACCOUNT_TYPES.indexOf(a.type) - ACCOUNT_TYPES.indexOf(b.type) ||
  order(a.currency, b.currency) ||
  order(a.featureKeys.join('\0'), b.featureKeys.join('\0')) ||
  order(a.priority ?? 0, b.priority ?? 0) ||
  order(a.costBasis ?? -1n, b.costBasis ?? -1n) ||
  order(b.stage ?? '', a.stage ?? '') ||
  order(a.tax?.code ?? '', b.tax?.code ?? '') ||
  order(a.tax?.behavior ?? '', b.tax?.behavior ?? '');

const order = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** What settled is the sum of: held credit, and the debt of advances, whose basis is unknown (domain.md §5). */
export const isSettled = ({ type, costBasis }: SubAccount): boolean =>
  type === 'CUSTOMER_FBO' || (type === 'CUSTOMER_RECEIVABLE' && costBasis === null);

/** Whether a row `s` of `sub_accounts` holds the debt of advances. */
export const IS_ADVANCE = `(s.type = 'CUSTOMER_RECEIVABLE' and s.cost_basis is null)`;

/** As {@link isSettled}, of a row `s` of `sub_accounts`. */
export const IS_SETTLED = `(s.type = 'CUSTOMER_FBO' or ${IS_ADVANCE})`;
