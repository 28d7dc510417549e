import type { Amount } from '../amount.ts';
import { earlier, later, NEVER, type Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';
import type { Credit } from '../ledger/routes.ts';
import type { CreditPromise } from '../pending/promise.ts';

export type FundingMethod = 'NONE' | 'EXTERNAL' | 'INVOICE';
export type AvailabilityPolicy = 'ON_CREATION' | 'ON_AUTHORIZATION' | 'ON_SETTLEMENT';
export type SettlementStatus = 'ISSUED' | 'AUTHORIZED' | 'SETTLED' | 'FAILED';

/** What was agreed about paying for a grant. */
export type FundingTerms = {
  readonly method: FundingMethod;
  readonly policy: AvailabilityPolicy;
  /** Null for promotional credit. */
  readonly purchaseCurrency: string | null;
  /** Money per unit of credit; 0 for promotional credit. */
  readonly costBasis: Amount;
  /** amount × cost basis in the purchase currency; 0 for promotional credit. */
  readonly purchaseAmount: Amount;
  /** The decimals that the purchase currency has; 0 for promotional credit. */
  readonly purchasePrecision: number;
};

/** The terms, and how far the payment has come. */
export type Funding = FundingTerms & {
  /** The furthest settlement event so far; null before the first. */
  readonly status: SettlementStatus | null;
  readonly issuedAt: Instant | null;
  readonly authorizedAt: Instant | null;
  readonly settledAt: Instant | null;
  readonly failedAt: Instant | null;
  readonly invoiceId: string | null;
};

/** What the caller wrote on a grant or charge: carried along, never interpreted. */
export type Details = {
  /** The key it was created with; null without one. */
  readonly idempotencyKey: string | null;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
};

/**
 * SCHEDULED: promised, not credit yet. CREDIT: became credit (and may since be used up or voided). EXPIRED: what
 * remained of it at its expiry was booked away. LAPSED: reached its expiry while it still waited for its funding.
 * CALLED_OFF: voided or failed before it was credit.
 */
export type Phase = 'SCHEDULED' | 'CREDIT' | 'EXPIRED' | 'LAPSED' | 'CALLED_OFF';

/** A change of what nobody has taken from a grant: negative when taken or forfeited by a void, expiry left aside. */
export type Move = { readonly at: Instant; readonly delta: Amount };

/** When a grant was to be effective and to expire until it was rescheduled at `until`. */
export type FormerTimes = {
  readonly until: Instant;
  readonly effectiveAt: Instant;
  readonly expiresAt: Instant;
};

export type Grant = {
  readonly id: string;
  readonly currency: string;
  readonly amount: Amount;
  /** 1–1000, lower is used first. */
  readonly priority: number;
  /** Sorted; empty: unrestricted. */
  readonly featureKeys: readonly string[];
  readonly tax: Tax | null;
  readonly funding: Funding;
  readonly details: Details;
  /** Inclusive. */
  readonly effectiveAt: Instant;
  /** Exclusive; NEVER for a grant without expiry. */
  readonly expiresAt: Instant;
  readonly recordedAt: Instant;
  readonly phase: Phase;
  /** When its funding met the availability policy: ALWAYS if at creation, NEVER while it waits. */
  readonly fundedAt: Instant;
  /** When it became credit; null if it never did. */
  readonly bookedAt: Instant | null;
  readonly voidedAt: Instant | null;
  /** What the caller gave as reason; null unless voided. */
  readonly voidReason: string | null;
  /** Voided with RELEASE_UNPAID before its payment was authorized: what is forfeited of it is not owed either. */
  readonly released: boolean;
  readonly remaining: Amount;
  readonly consumed: Amount;
  readonly expired: Amount;
  readonly voided: Amount;
  /** Of what was consumed, what is revenue: moved to earnings, less what corrections took back. */
  readonly recognized: Amount;
  /** Its times before each reschedule, oldest first; needed where the past is asked about. */
  readonly formerTimes: readonly FormerTimes[];
  /** In order of happening; complete for instants after the state's `historyFrom`. */
  readonly moves: readonly Move[];
};

export type GrantStatus = 'PENDING' | 'ACTIVE' | 'EXPIRED' | 'VOIDED';

/** The grant with the times in force at an instant. */
export function inForceAt(grant: Grant, at: Instant): Grant {
  const former = grant.formerTimes.find((times) => at < times.until);
  return former === undefined
    ? grant
    : { ...grant, effectiveAt: former.effectiveAt, expiresAt: former.expiresAt };
}

/** The instant a scheduled grant becomes credit, as far as known: NEVER while its funding waits. */
export const bookingInstant = (grant: Grant): Instant => later(grant.effectiveAt, grant.fundedAt);

/** A grant's status at an instant its book has been advanced to. A void stays a void after the expiry instant. */
export function grantStatus(grant: Grant, at: Instant): GrantStatus {
  if (grant.voidedAt !== null && grant.voidedAt <= at) return 'VOIDED';
  if (grant.expiresAt <= at) return 'EXPIRED';
  return grant.bookedAt === null ? 'PENDING' : 'ACTIVE';
}

/** When something is to be booked of it next by itself; NEVER if nothing is. */
export function nextDueOf(grant: Grant): Instant {
  if (grant.phase === 'SCHEDULED') return earlier(bookingInstant(grant), grant.expiresAt);
  return grant.phase === 'CREDIT' && grant.remaining > 0n ? grant.expiresAt : NEVER;
}

/** Closed identity (domain.md §3): this and the four stored amounts add up to the grant's amount. */
export const pendingAmount = (grant: Grant): Amount => (grant.phase === 'SCHEDULED' ? grant.amount : 0n);

/** While a grant is promised: from its recording until it is booked, voided, failed or lapsed; null if never. */
export function promiseOf(grant: Grant): CreditPromise | null {
  const until =
    grant.phase === 'CALLED_OFF' && grant.voidedAt !== null
      ? grant.voidedAt
      : earlier(grant.bookedAt ?? bookingInstant(grant), grant.expiresAt);
  if (until <= grant.recordedAt) return null;
  return {
    grantId: grant.id,
    currency: grant.currency,
    featureKeys: grant.featureKeys,
    amount: grant.amount,
    from: grant.recordedAt,
    until,
    effectiveAt: bookingInstant(grant),
    expiresAt: grant.expiresAt,
  };
}

/** The grant as the posting rules see it. */
export const creditOf = (grant: Grant): Credit => ({
  grantId: grant.id,
  currency: grant.currency,
  featureKeys: grant.featureKeys,
  priority: grant.priority,
  costBasis: grant.funding.costBasis,
  tax: grant.tax,
});

/** Of a grant that names none. */
export const DEFAULT_PRIORITY = 10;

/** Of a payment that has not begun. */
export const UNPAID = {
  status: null,
  issuedAt: null,
  authorizedAt: null,
  settledAt: null,
  failedAt: null,
  invoiceId: null,
} satisfies Partial<Funding>;

/** Credit that nobody pays for. */
export const PROMOTIONAL: Funding = {
  method: 'NONE',
  policy: 'ON_CREATION',
  purchaseCurrency: null,
  costBasis: 0n,
  purchaseAmount: 0n,
  purchasePrecision: 0,
  ...UNPAID,
};

/** A grant of which nothing has been used. */
export const UNUSED = {
  voidedAt: null,
  released: false,
  remaining: 0n,
  consumed: 0n,
  expired: 0n,
  voided: 0n,
  recognized: 0n,
} satisfies Partial<Grant>;

/** One of which nothing has been changed either since it was created. */
export const UNTOUCHED = {
  ...UNUSED,
  voidReason: null,
  formerTimes: [],
  moves: [],
} satisfies Partial<Grant>;

/** Whether a payment has come as far as the availability policy asks (domain.md §3). */
export function isFunded({ method, policy, status }: Funding): boolean {
  if (policy === 'ON_CREATION' && method !== 'INVOICE') return true;
  return status !== null && REACHED[status] >= NEEDED[policy];
}

/** How far a payment has come; one that failed has come nowhere, and nothing follows it. */
export const REACHED: Readonly<Record<SettlementStatus, number>> = {
  FAILED: 0,
  ISSUED: 1,
  AUTHORIZED: 2,
  SETTLED: 3,
};
const NEEDED: Readonly<Record<AvailabilityPolicy, number>> = {
  ON_CREATION: 1,
  ON_AUTHORIZATION: 2,
  ON_SETTLEMENT: 3,
};

/** Whether it can still change by itself or be drawn on; the others are history. */
export const isOpen = (grant: Grant): boolean =>
  grant.phase === 'SCHEDULED' || (grant.phase === 'CREDIT' && grant.remaining > 0n);
