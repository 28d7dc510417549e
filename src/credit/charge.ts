import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';
import type { Usage } from '../ledger/posting-rules.ts';
import { keysOf } from '../scope.ts';
import type { Details } from './grant.ts';

/** What happens when credit runs out: go negative, hand back the rest, or refuse (domain.md §1). */
export type SettlementMode = 'CREDIT_ONLY' | 'CREDIT_THEN_INVOICE' | 'PREPAID_ONLY';
export type ChargeType = 'FLAT_FEE' | 'USAGE_BASED';
export type ChargeStatus = 'OPEN' | 'FINAL' | 'CANCELED';

export type Charge = {
  readonly id: string;
  readonly type: ChargeType;
  readonly mode: SettlementMode;
  readonly currency: string;
  /** What it is for now: fixed for a flat fee, the latest reported total for usage. */
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly tax: Tax | null;
  readonly details: Details;
  readonly recordedAt: Instant;
  readonly startsAt: Instant;
  readonly status: ChargeStatus;
  /** What its collections dealt with: credit, advance and invoiced part, less corrections. */
  readonly collected: Amount;
  /** Of `collected`, what went beyond credit when it was collected (covered since or not). */
  readonly advanced: Amount;
  /** Of `collected`, what was handed back for invoicing. */
  readonly invoiced: Amount;
};

/** The part of a consumption that no credit covered: money owed in credit. */
export type Advance = {
  readonly chargeId: string;
  /** Which of its charge's collections made it, from 1. */
  readonly collection: number;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly tax: Tax | null;
  readonly amount: Amount;
  readonly uncovered: Amount;
  readonly at: Instant;
  readonly version: number;
};

/** A slice of one grant that a collection took, or with which a grant later covered its advance; kept in order. */
export type Allocation = {
  readonly chargeId: string;
  readonly collection: number;
  readonly kind: 'SOURCE' | 'COVER';
  readonly grantId: string;
  readonly amount: Amount;
  readonly at: Instant;
};

/** What one collection did. */
export type Collection = {
  readonly allocations: readonly { readonly grantId: string; readonly amount: Amount }[];
  readonly advanced: Amount;
  readonly invoiced: Amount;
};

export const advanceKey = (advance: Pick<Advance, 'chargeId' | 'collection'>): string =>
  `${advance.chargeId}#${advance.collection}`;

/** The charge (or the charge of an advance) as the posting rules see it. */
export const usageOf = (chargeId: string, of: Pick<Charge, 'currency' | 'featureKey' | 'tax'>): Usage => ({
  chargeId,
  currency: of.currency,
  featureKeys: keysOf(of.featureKey),
  tax: of.tax,
});
