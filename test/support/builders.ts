import { multiplyRounded, parseAmount, type Amount } from '../../src/amount.ts';
import type { Advance } from '../../src/credit/charge.ts';
import type { Consume, CreateGrant, VoidGrant } from '../../src/credit/command.ts';
import type {
  AvailabilityPolicy,
  Details,
  Funding,
  FundingMethod,
  Grant,
  SettlementStatus,
} from '../../src/credit/grant.ts';
import { ALWAYS, type Instant } from '../../src/instant.ts';

/**
 * Commands and facts that name only what a test is about; everything else is the plainest there is: 100 USD of
 * promotional, unrestricted credit that never expires.
 */

/** The one fixed instant tests count from: 1 January 2026, 00:00 UTC. */
export const REFERENCE_TIME: Instant = Date.UTC(2026, 0, 1);

/** The start of a day of January 2026; `day(1)` is the reference time, fractions are hours. */
export const day = (of: number): Instant => REFERENCE_TIME + (of - 1) * 86_400_000;

/** Amounts in tests are written as on the wire. */
export const credits = (text: string): Amount => parseAmount(text);

const details = (name: string): Details => ({
  idempotencyKey: null,
  name,
  description: '',
  labels: {},
});

export const promotional = (): Funding => ({
  method: 'NONE',
  policy: 'ON_CREATION',
  purchaseCurrency: null,
  costBasis: 0n,
  purchaseAmount: 0n,
  status: null,
});

/** Paid one for one in USD; `status` is how far its payment has come. */
export const external = (policy: AvailabilityPolicy, status: SettlementStatus | null = null): Funding =>
  paid('EXTERNAL', policy, status);

export const invoice = (policy: AvailabilityPolicy, status: SettlementStatus | null = null): Funding =>
  paid('INVOICE', policy, status);

const paid = (
  method: FundingMethod,
  policy: AvailabilityPolicy,
  status: SettlementStatus | null,
): Funding => ({
  ...{ method, policy, status },
  purchaseCurrency: 'USD',
  costBasis: parseAmount('1'),
  purchaseAmount: parseAmount('100'),
});

type Text<T> = Omit<Partial<T>, 'kind' | 'amount'> & { readonly amount?: string };

export function aGrant({ amount = '100', ...given }: Text<CreateGrant> = {}): CreateGrant {
  const grant: CreateGrant = {
    kind: 'createGrant',
    grantId: 'g1',
    currency: 'USD',
    amount: credits(amount),
    priority: 10,
    featureKeys: [],
    tax: null,
    details: details('a grant'),
    effectiveAt: null,
    expiry: { kind: 'never' },
    funding: promotional(),
    ...given,
  };
  const { funding } = grant;
  return {
    ...grant,
    funding: { ...funding, purchaseAmount: multiplyRounded(grant.amount, funding.costBasis, 2) },
  };
}

export const until = (instant: Instant): CreateGrant['expiry'] => ({ kind: 'at', instant });

export const aConsumption = ({ amount = '10', ...given }: Text<Consume> = {}): Consume => ({
  kind: 'consume',
  chargeId: 'c1',
  currency: 'USD',
  amount: credits(amount),
  featureKey: null,
  mode: 'PREPAID_ONLY',
  tax: null,
  details: details('a charge'),
  bookedAt: null,
  ...given,
});

export const aVoid = (
  grantId: string,
  paymentAdjustment: VoidGrant['paymentAdjustment'] = 'NONE',
): VoidGrant => ({
  kind: 'voidGrant',
  grantId,
  reason: 'called off',
  paymentAdjustment,
});

/** A grant as the book holds it once it is credit. */
export function heldGrant({ amount = '100', ...given }: Text<Grant> = {}): Grant {
  const booked: Grant = {
    ...{ id: 'g1', currency: 'USD', priority: 10, featureKeys: [], tax: null },
    amount: credits(amount),
    funding: promotional(),
    details: details('a grant'),
    effectiveAt: day(1),
    expiresAt: Infinity,
    recordedAt: day(1),
    phase: 'CREDIT',
    fundedAt: ALWAYS,
    bookedAt: day(1),
    voidedAt: null,
    voidReason: null,
    remaining: credits(amount),
    ...{ consumed: 0n, expired: 0n, voided: 0n, moves: [] },
  };
  return { ...booked, ...given };
}

/** A debt of 10 USD of the first day that nothing has covered. */
export function anAdvance({ amount = '10', ...given }: Text<Advance> = {}): Advance {
  const owed: Advance = {
    ...{ chargeId: 'c1', collection: 1, currency: 'USD', featureKey: null, tax: null },
    ...{ amount: credits(amount), uncovered: credits(amount), at: day(1), version: 1 },
  };
  return { ...owed, ...given };
}
