import { multiplyRounded, parseAmount, type Amount } from '../../src/amount.ts';
import { decide } from '../../src/credit/decide.ts';
import { emptyBook, type BookState } from '../../src/credit/book-state.ts';
import type { Command } from '../../src/credit/command.ts';
import type { AdjustDown } from '../../src/credit/commands/adjust-down.ts';
import type { AdjustUp } from '../../src/credit/commands/adjust-up.ts';
import type { CancelCharge } from '../../src/credit/commands/cancel-charge.ts';
import type { CollectCharge } from '../../src/credit/commands/collect-charge.ts';
import type { Consume } from '../../src/credit/commands/consume.ts';
import type { CorrectCharge } from '../../src/credit/commands/correct-charge.ts';
import type { CreateCharge } from '../../src/credit/commands/create-charge.ts';
import type { CreateGrant } from '../../src/credit/commands/create-grant.ts';
import type { PostManually } from '../../src/credit/commands/post-manually.ts';
import type { RecognizeRevenue } from '../../src/credit/commands/recognize-revenue.ts';
import type { RescheduleGrant } from '../../src/credit/commands/reschedule-grant.ts';
import type { UpdateCharge } from '../../src/credit/commands/update-charge.ts';
import type { UpdateSettlement } from '../../src/credit/commands/update-settlement.ts';
import type { VoidGrant } from '../../src/credit/commands/void-grant.ts';
import {
  PROMOTIONAL,
  type AvailabilityPolicy,
  type Details,
  type Funding,
  type FundingMethod,
  type Grant,
  type SettlementStatus,
  UNTOUCHED,
} from '../../src/credit/grant.ts';
import type { SubAccount } from '../../src/ledger/account.ts';
import { ALWAYS, EARLIEST, NEVER, type Instant } from '../../src/instant.ts';

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

/** What is agreed about paying for a grant, and how far the payment has come when it is created. */
export type Paid = Pick<CreateGrant, 'terms' | 'initialStatus'>;

export const promotional = (): Paid => ({
  terms: {
    method: 'NONE',
    policy: 'ON_CREATION',
    purchaseCurrency: null,
    costBasis: 0n,
    purchaseAmount: 0n,
    purchasePrecision: 0,
  },
  initialStatus: null,
});

/** Paid one for one in USD. */
export const external = (policy: AvailabilityPolicy, status: SettlementStatus | null = null): Paid =>
  paid('EXTERNAL', policy, status);

export const invoice = (policy: AvailabilityPolicy, status: SettlementStatus | null = null): Paid =>
  paid('INVOICE', policy, status);

const paid = (
  method: FundingMethod,
  policy: AvailabilityPolicy,
  initialStatus: SettlementStatus | null,
): Paid => ({
  terms: {
    method,
    policy,
    purchaseCurrency: 'USD',
    costBasis: credits('1'),
    purchaseAmount: credits('100'),
    purchasePrecision: 2,
  },
  initialStatus,
});

/** The same as a grant that exists holds it; no event has an instant. */
export const fundingOf = ({ terms, initialStatus: status }: Paid): Funding => ({
  ...PROMOTIONAL,
  ...terms,
  status,
});

type GrantTraits = Text<CreateGrant> & { readonly paid?: Paid };
type Text<T> = Omit<Partial<T>, 'kind' | 'amount'> & { readonly amount?: string };

export function aGrant({
  amount = '100',
  paid: of = promotional(),
  ...given
}: GrantTraits = {}): CreateGrant {
  const { terms, initialStatus } = of;
  const purchaseAmount = multiplyRounded(credits(amount), terms.costBasis, 2);
  return {
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
    terms: { ...terms, purchaseAmount },
    initialStatus,
    ...given,
  };
}

export const until = (instant: Instant): CreateGrant['expiry'] => ({ kind: 'at', instant });

export const aConsumption = ({ amount = '10', ...given }: Text<Consume> = {}): Consume => ({
  kind: 'consume',
  chargeId: 'c1',
  currency: 'USD',
  precision: 2,
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

/** An open flat fee that weighs on live from now on. */
export const aCharge = ({ amount = '10', ...given }: Text<CreateCharge> = {}): CreateCharge => ({
  kind: 'createCharge',
  chargeId: 'c1',
  type: 'FLAT_FEE',
  mode: 'PREPAID_ONLY',
  currency: 'USD',
  precision: 2,
  amount: credits(amount),
  featureKey: null,
  tax: null,
  details: details('a charge'),
  startsAt: null,
  holdExpiresAt: null,
  requireLive: false,
  ...given,
});

/** Collects what is outstanding, now, and leaves the charge open. */
export const aCollection = (
  chargeId: string,
  { amount, ...given }: Text<Omit<CollectCharge, 'chargeId'>> = {},
): CollectCharge => ({
  kind: 'collectCharge',
  chargeId,
  amount: amount === undefined ? null : credits(amount),
  bookedAt: null,
  finalize: false,
  ...given,
});

export const aCorrection = (chargeId: string, amount: string): CorrectCharge => ({
  kind: 'correctCharge',
  chargeId,
  amount: credits(amount),
});

export const aReport = (chargeId: string, amount: string, sequence: number | null = null): UpdateCharge => ({
  kind: 'updateCharge',
  chargeId,
  sequence,
  amount: credits(amount),
});

export const aCancellation = (chargeId: string): CancelCharge => ({ kind: 'cancelCharge', chargeId });

/** Null: as it is. */
export const aReschedule = (
  grantId: string,
  { effectiveAt = null, expiresAt = null }: Partial<Pick<RescheduleGrant, 'effectiveAt' | 'expiresAt'>>,
): RescheduleGrant => ({ kind: 'rescheduleGrant', grantId, effectiveAt, expiresAt });

/** A step of a payment; without an instant it occurred now. */
export const aPayment = (
  grantId: string,
  status: SettlementStatus,
  occurredAt: Instant | null = null,
): UpdateSettlement => ({ kind: 'updateSettlement', grantId, status, occurredAt, invoiceId: null });

export const anAdjustmentUp = ({ amount = '10', ...given }: Text<AdjustUp> = {}): AdjustUp => ({
  kind: 'adjustUp',
  grantId: 'a1',
  currency: 'USD',
  amount: credits(amount),
  featureKeys: [],
  details: details('an adjustment'),
  ...given,
});

export const anAdjustmentDown = ({ amount = '10', ...given }: Text<AdjustDown> = {}): AdjustDown => ({
  kind: 'adjustDown',
  currency: 'USD',
  amount: credits(amount),
  featureKey: null,
  reason: 'too much was given',
  ...given,
});

/** Recognizes all there is, or so much of it. */
export const aRecognition = (
  amount: string | null = null,
  { currency = 'USD', bookedAt = null }: Partial<Omit<RecognizeRevenue, 'kind' | 'amount'>> = {},
): RecognizeRevenue => ({
  kind: 'recognizeRevenue',
  currency,
  bookedAt,
  amount: amount === null ? null : credits(amount),
});

/** Cash, posted by hand against what is owed for credit that costs one for one. */
export const aPosting = (amount: string, bookedAt: Instant | null = null): PostManually => {
  const wash: SubAccount = {
    type: 'WASH',
    currency: 'USD',
    featureKeys: [],
    priority: null,
    stage: null,
    tax: null,
    costBasis: null,
  };
  const owed: SubAccount = { ...wash, type: 'CUSTOMER_RECEIVABLE', costBasis: credits('1'), stage: 'OPEN' };
  return {
    kind: 'postManually',
    reason: 'cash at the counter',
    bookedAt,
    entries: [
      { account: owed, amount: credits(amount) },
      { account: wash, amount: -credits(amount) },
    ],
  };
};

/** A grant as the book holds it once it is credit. */
export function heldGrant({ amount = '100', ...given }: Text<Grant> = {}): Grant {
  const booked: Grant = {
    id: 'g1',
    currency: 'USD',
    priority: 10,
    featureKeys: [],
    tax: null,
    amount: credits(amount),
    funding: fundingOf(promotional()),
    details: details('a grant'),
    effectiveAt: day(1),
    expiresAt: NEVER,
    recordedAt: day(1),
    phase: 'CREDIT',
    fundedAt: ALWAYS,
    bookedAt: day(1),
    ...UNTOUCHED,
    remaining: credits(amount),
  };
  return { ...booked, ...given };
}

/** One write: when, and what. */
export type Write = readonly [now: Instant, command: Command];

/** A book after these writes, from the first on. */
export const aBook = (...writes: readonly Write[]): BookState =>
  writes.reduce((state, [now, command]) => decide(state, command, now).state, emptyBook(EARLIEST));
