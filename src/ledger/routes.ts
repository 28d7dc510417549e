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

/** A route that nothing narrows down. */
const PLAIN = { featureKeys: [], priority: null, costBasis: null, stage: null, tax: null } as const;

export const business = (type: AccountType, currency: string, costBasis: Amount | null): SubAccount => ({
  ...PLAIN,
  type,
  currency,
  costBasis,
});

export const fbo = (credit: Credit): SubAccount => ({
  ...routeOf(credit),
  type: 'CUSTOMER_FBO',
  priority: credit.priority,
  costBasis: credit.costBasis,
});

export const receivable = (credit: Credit, stage: Stage): SubAccount => ({
  ...routeOf(credit),
  type: 'CUSTOMER_RECEIVABLE',
  costBasis: credit.costBasis,
  stage,
});

/** The debt of an advance: what makes settled negative until a grant covers it. */
export const advanced = (usage: Usage): SubAccount => ({
  ...routeOf(usage),
  type: 'CUSTOMER_RECEIVABLE',
  stage: 'OPEN',
});

/** Consumed value; `costBasis` null while only an advance backs it. */
export const accrued = (usage: Usage, costBasis: Amount | null): SubAccount => ({
  ...routeOf(usage),
  type: 'CUSTOMER_ACCRUED',
  costBasis,
});

const routeOf = ({ currency, featureKeys, tax }: Credit | Usage): Route => ({
  ...PLAIN,
  currency,
  featureKeys,
  tax,
});
