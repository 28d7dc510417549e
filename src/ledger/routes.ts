import type { Amount } from '../amount.ts';
import type { AccountType, Route, Stage, SubAccount, Tax } from './account.ts';

/** Which sub-account each side of a posting is booked to. */

/** What the rules need to know of a piece of credit: its grant and the route its credit is held on. */
export type Credit = {
  readonly grantId: string;
  readonly currency: string;
  readonly featureKeys: readonly string[];
  readonly priority: number;
  readonly costBasis: Amount;
  readonly tax: Tax | null;
};

/** What the rules need to know of a charge: value consumed for it carries its feature and its tax. */
export type Usage = {
  readonly chargeId: string;
  readonly currency: string;
  readonly featureKeys: readonly string[];
  readonly tax: Tax | null;
};

export const business = (type: AccountType, currency: string, costBasis: Amount | null): SubAccount => ({
  type,
  currency,
  featureKeys: [],
  priority: null,
  costBasis,
  stage: null,
  tax: null,
});

export const fbo = (credit: Credit): SubAccount => ({ type: 'CUSTOMER_FBO', ...creditRoute(credit, null) });

export const receivable = (credit: Credit, stage: Stage): SubAccount => ({
  type: 'CUSTOMER_RECEIVABLE',
  ...creditRoute(credit, stage),
  priority: null,
});

const creditRoute = (credit: Credit, stage: Stage | null): Route => ({
  currency: credit.currency,
  featureKeys: credit.featureKeys,
  priority: credit.priority,
  costBasis: credit.costBasis,
  stage,
  tax: credit.tax,
});

/** The debt of an advance: what makes settled negative until a grant covers it. */
export const advanced = (usage: Usage): SubAccount => ({
  type: 'CUSTOMER_RECEIVABLE',
  currency: usage.currency,
  featureKeys: usage.featureKeys,
  priority: null,
  costBasis: null,
  stage: 'OPEN',
  tax: usage.tax,
});

/** Consumed value; `costBasis` null while only an advance backs it. */
export const accrued = (usage: Usage, costBasis: Amount | null): SubAccount => ({
  type: 'CUSTOMER_ACCRUED',
  currency: usage.currency,
  featureKeys: usage.featureKeys,
  priority: null,
  costBasis,
  stage: null,
  tax: usage.tax,
});
