import { maxAmount, type Amount } from '../amount.ts';
import { later, type Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';
import type { Usage } from '../ledger/routes.ts';
import { keysOf } from '../scope.ts';
import type { TimeCause } from './cause.ts';
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
  /** The decimals its currency has: amounts of later commands are held against it. */
  readonly precision: number;
  /** What it is for now: fixed for a flat fee, the latest reported total for usage. */
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly tax: Tax | null;
  readonly details: Details;
  readonly recordedAt: Instant;
  /** Under which version it was recorded: breaks ties of the order of start. */
  readonly version: number;
  readonly startsAt: Instant;
  /** Exclusive; NEVER for a charge without a hold expiry. */
  readonly holdExpiresAt: Instant;
  readonly status: ChargeStatus;
  /** When it became final or was canceled; null while open. */
  readonly closedAt: Instant | null;
  /** The sequence of the last usage report that had one. */
  readonly sequence: number | null;
  /** Collections so far. */
  readonly collections: number;
  /** What its collections dealt with: credit, advance and invoiced part, less corrections. */
  readonly collected: Amount;
  /** Of `collected`, what went beyond credit when it was collected (covered since or not). */
  readonly advanced: Amount;
  /** Of `collected`, what was handed back for invoicing. */
  readonly invoiced: Amount;
};

/** What a command says of the charge it makes. */
export type NewCharge = Pick<
  Charge,
  'type' | 'mode' | 'currency' | 'precision' | 'amount' | 'featureKey' | 'tax' | 'details'
> & { readonly chargeId: string };

/** A charge as it begins: open, and nothing collected. */
export const newCharge = (
  { chargeId: id, type, mode, currency, precision, amount, featureKey, tax, details }: NewCharge,
  begun: Pick<Charge, 'recordedAt' | 'version' | 'startsAt' | 'holdExpiresAt'>,
): Charge => ({
  id,
  type,
  mode,
  currency,
  precision,
  amount,
  featureKey,
  tax,
  details,
  ...begun,
  status: 'OPEN',
  closedAt: null,
  sequence: null,
  collections: 0,
  collected: 0n,
  advanced: 0n,
  invoiced: 0n,
});

/** Where in the journal something was booked: the write's version and the first entry's place within the write. */
export type EntryRef = { readonly version: number; readonly position: number };

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
  readonly entry: EntryRef;
};

/**
 * A slice of one grant that a collection took, or with which a grant later covered its advance. Kept as it happened, in
 * order of `ref`; corrections and revenue recognition only move its last two amounts.
 */
export type Allocation = {
  readonly ref: EntryRef;
  readonly chargeId: string;
  readonly collection: number;
  readonly kind: 'SOURCE' | 'COVER';
  readonly grantId: string;
  readonly amount: Amount;
  readonly at: Instant;
  /** Given back by corrections. */
  readonly returned: Amount;
  /** Moved from accrued to earnings, less what corrections took back. */
  readonly recognized: Amount;
};

/** Credit taken from or given back to grants. */
export type Slices = readonly { readonly grantId: string; readonly amount: Amount }[];

/** What one collection did. */
export type Collection = {
  readonly allocations: Slices;
  readonly advanced: Amount;
  readonly invoiced: Amount;
};

/** What one correction gave back. */
export type Correction = { readonly allocations: Slices; readonly advanceReduced: Amount };

export const advanceKey = (advance: Pick<Advance, 'chargeId' | 'collection'>): string =>
  `${advance.chargeId}#${advance.collection}`;

/** Keys are in the order of what they name. */
export const allocationKey = ({ version, position }: EntryRef): string =>
  `${String(version).padStart(16, '0')}:${String(position).padStart(9, '0')}`;

/** max(0, amount − collected): what collecting would still deal with, and what it weighs on live. */
export const outstanding = (charge: Pick<Charge, 'amount' | 'collected'>): Amount =>
  maxAmount(0n, charge.amount - charge.collected);

/** The same of a charge as it is now: one that is closed collects no more, whatever it had left or was given back. */
export const leftToCollect = (charge: Charge): Amount =>
  charge.status === 'OPEN' ? outstanding(charge) : 0n;

/** When a charge begins to weigh on live: it cannot do so before anybody knew of it. */
export const weighsFrom = (charge: Pick<Charge, 'startsAt' | 'recordedAt'>): Instant =>
  later(charge.startsAt, charge.recordedAt);

/** Whether a charge weighs on live at an instant: begun, not yet closed, its hold not expired (domain.md §9). */
export const weighsAt = (charge: Charge, at: Instant): boolean =>
  weighsFrom(charge) <= at && at < charge.holdExpiresAt && (charge.closedAt === null || at < charge.closedAt);

/** What happens to a charge by time alone: it begins and ceases to weigh, unless its hold ends before it starts. */
export function turnsOf(
  charge: Pick<Charge, 'startsAt' | 'recordedAt' | 'holdExpiresAt'>,
): readonly { readonly cause: TimeCause; readonly at: Instant }[] {
  const begins = weighsFrom(charge);
  if (begins >= charge.holdExpiresAt) return [];
  return [
    { cause: 'CHARGE_STARTED', at: begins },
    { cause: 'HOLD_EXPIRED', at: charge.holdExpiresAt },
  ];
}

/** The order in which charges take credit for live: when they began to weigh, then version. */
export const orderOfStart = (a: Charge, b: Charge): number =>
  weighsFrom(a) - weighsFrom(b) || a.version - b.version;

/** The charge (or the charge of an advance) as the posting rules see it. */
export const usageOf = (chargeId: string, of: Pick<Charge, 'currency' | 'featureKey' | 'tax'>): Usage => ({
  chargeId,
  currency: of.currency,
  featureKeys: keysOf(of.featureKey),
  tax: of.tax,
});
