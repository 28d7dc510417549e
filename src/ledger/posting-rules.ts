import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { AccountType, Route, Stage, SubAccount, Tax } from './account.ts';
import { balanced, type Leg, type Posting } from './posting.ts';

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

/** An amount taken from one grant. */
export type Source = { readonly credit: Credit; readonly amount: Amount };

const business = (type: AccountType, currency: string, costBasis: Amount | null): SubAccount => ({
  type,
  currency,
  featureKeys: [],
  priority: null,
  costBasis,
  stage: null,
  tax: null,
});

const fbo = (credit: Credit): SubAccount => ({ type: 'CUSTOMER_FBO', ...creditRoute(credit, null) });

const receivable = (credit: Credit, stage: Stage): SubAccount => ({
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
const advanced = (usage: Usage): SubAccount => ({
  type: 'CUSTOMER_RECEIVABLE',
  currency: usage.currency,
  featureKeys: usage.featureKeys,
  priority: null,
  costBasis: null,
  stage: 'OPEN',
  tax: usage.tax,
});

/** Consumed value; `costBasis` null while only an advance backs it. */
const accrued = (usage: Usage, costBasis: Amount | null): SubAccount => ({
  type: 'CUSTOMER_ACCRUED',
  currency: usage.currency,
  featureKeys: usage.featureKeys,
  priority: null,
  costBasis,
  stage: null,
  tax: usage.tax,
});

const leg = (account: SubAccount, amount: Amount, grantId: string | null, chargeId: string | null): Leg => ({
  account,
  amount,
  grantId,
  chargeId,
});

/** Credit comes into being; `promotional` credit is paid by nobody, so brokerage takes the debt at once. */
export function issue(credit: Credit, amount: Amount, promotional: boolean, at: Instant): Posting {
  const owed = receivable(credit, 'OPEN');
  const legs = [leg(fbo(credit), amount, credit.grantId, null), leg(owed, -amount, credit.grantId, null)];
  if (promotional) {
    legs.push(
      leg(owed, amount, credit.grantId, null),
      leg(business('BROKERAGE', credit.currency, credit.costBasis), -amount, credit.grantId, null),
    );
  }
  return balanced({ kind: 'ISSUE', bookedAt: at, legs });
}

/** Credit is used: per source FBO −a, Accrued +a; what no credit covers becomes an advance. */
export function consume(usage: Usage, sources: readonly Source[], advance: Amount, at: Instant): Posting {
  const legs = sources.flatMap(({ credit, amount }) => [
    leg(fbo(credit), -amount, credit.grantId, usage.chargeId),
    leg(accrued(usage, credit.costBasis), amount, credit.grantId, usage.chargeId),
  ]);
  if (advance > 0n) {
    legs.push(
      leg(advanced(usage), -advance, null, usage.chargeId),
      leg(accrued(usage, null), advance, null, usage.chargeId),
    );
  }
  return balanced({ kind: 'CONSUME', bookedAt: at, legs });
}

/** A grant pays an advance: its credit is gone, the debt too, and the consumed value gets a known basis. */
export function cover(usage: Usage, { credit, amount }: Source, at: Instant): Posting {
  return balanced({
    kind: 'COVER',
    bookedAt: at,
    legs: [
      leg(fbo(credit), -amount, credit.grantId, usage.chargeId),
      leg(advanced(usage), amount, credit.grantId, usage.chargeId),
      leg(accrued(usage, null), -amount, credit.grantId, usage.chargeId),
      leg(accrued(usage, credit.costBasis), amount, credit.grantId, usage.chargeId),
    ],
  });
}

/** What is left at `expires_at` becomes breakage. */
export const expire = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({ kind: 'EXPIRE', bookedAt: at, legs: forfeit(credit, amount) });

/** The slice of an expiry that a late-booked consumption from before `expires_at` takes back. */
export const undoExpiry = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({ kind: 'EXPIRE_UNDONE', bookedAt: at, legs: forfeit(credit, -amount) });

/** What is left at the void is forfeited. */
export const voidCredit = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({ kind: 'VOID', bookedAt: at, legs: forfeit(credit, amount) });

/** The void of a grant whose payment is not authorized, with RELEASE_UNPAID: the debt goes instead of breakage. */
export const voidUnpaid = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({
    kind: 'VOID',
    bookedAt: at,
    legs: [
      leg(fbo(credit), -amount, credit.grantId, null),
      leg(receivable(credit, 'OPEN'), amount, credit.grantId, null),
    ],
  });

const forfeit = (credit: Credit, amount: Amount): Leg[] => [
  leg(fbo(credit), -amount, credit.grantId, null),
  leg(business('BREAKAGE', credit.currency, credit.costBasis), amount, credit.grantId, null),
];
