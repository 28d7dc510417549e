import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';
import type { ManualEntry } from '../ledger/manual-rules.ts';
import type { ChargeType, SettlementMode } from './charge.ts';
import type { Details, FundingTerms, SettlementStatus } from './grant.ts';

/** `expires_at`, or a calendar duration counted from `effective_at`, which may only be known when it is decided. */
export type Expiry =
  | { readonly kind: 'never' }
  | { readonly kind: 'at'; readonly instant: Instant }
  | { readonly kind: 'after'; readonly duration: string };

export type CreateGrant = {
  readonly kind: 'createGrant';
  readonly grantId: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly priority: number;
  readonly featureKeys: readonly string[];
  readonly tax: Tax | null;
  readonly details: Details;
  /** Null: now. */
  readonly effectiveAt: Instant | null;
  readonly expiry: Expiry;
  readonly terms: FundingTerms;
  /** How far its payment had come when it was created; null: not begun. */
  readonly initialStatus: SettlementStatus | null;
};

export type VoidGrant = {
  readonly kind: 'voidGrant';
  readonly grantId: string;
  readonly reason: string;
  readonly paymentAdjustment: 'NONE' | 'RELEASE_UNPAID';
};

export type RescheduleGrant = {
  readonly kind: 'rescheduleGrant';
  readonly grantId: string;
  /** Null: as it is. */
  readonly effectiveAt: Instant | null;
  /** Null: as it is; NEVER: dropped. */
  readonly expiresAt: Instant | null;
};

export type UpdateSettlement = {
  readonly kind: 'updateSettlement';
  readonly grantId: string;
  readonly status: SettlementStatus;
  /** Null: now. */
  readonly occurredAt: Instant | null;
  readonly invoiceId: string | null;
};

/** What something that uses credit says of itself. */
type Using = {
  readonly chargeId: string;
  readonly currency: string;
  readonly precision: number;
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly mode: SettlementMode;
  readonly tax: Tax | null;
  readonly details: Details;
};

/** Create, collect and finalize a charge in one step. */
export type Consume = Using & {
  readonly kind: 'consume';
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

export type CreateCharge = Using & {
  readonly kind: 'createCharge';
  readonly type: ChargeType;
  /** Null: now. */
  readonly startsAt: Instant | null;
  /** Null: it never expires. */
  readonly holdExpiresAt: Instant | null;
  readonly requireLive: boolean;
};

export type UpdateCharge = {
  readonly kind: 'updateCharge';
  readonly chargeId: string;
  readonly amount: Amount;
  readonly sequence: number | null;
};

export type CollectCharge = {
  readonly kind: 'collectCharge';
  readonly chargeId: string;
  /** Null: what is outstanding. */
  readonly amount: Amount | null;
  /** Null: now. */
  readonly bookedAt: Instant | null;
  readonly finalize: boolean;
};

export type CorrectCharge = {
  readonly kind: 'correctCharge';
  readonly chargeId: string;
  readonly amount: Amount;
};

export type CancelCharge = { readonly kind: 'cancelCharge'; readonly chargeId: string };

/** Credit given: a grant of its own. */
export type AdjustUp = {
  readonly kind: 'adjustUp';
  readonly grantId: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly featureKeys: readonly string[];
  readonly details: Details;
};

/** Credit taken: `amount` > 0, from what a charge for the feature key could use. */
export type AdjustDown = {
  readonly kind: 'adjustDown';
  readonly currency: string;
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly reason: string;
};

export type RecognizeRevenue = {
  readonly kind: 'recognizeRevenue';
  readonly currency: string;
  /** Null: all there is. */
  readonly amount: Amount | null;
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

/** Entries posted by hand between accounts of one book (src/ledger/manual-rules.ts). */
export type PostManually = {
  readonly kind: 'postManually';
  readonly entries: readonly ManualEntry[];
  readonly reason: string;
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

/** Takes a whole manual posting back, now. */
export type ReverseManually = {
  readonly kind: 'reverseManually';
  readonly transactionId: string;
  readonly reason: string;
};

/** Nobody's wish: books what has fallen due, and nothing else. */
export type BookDue = { readonly kind: 'bookDue' };

/** What a caller wants done to one customer's book; all ids in it are made before it is decided. */
export type Command =
  | CreateGrant
  | VoidGrant
  | RescheduleGrant
  | UpdateSettlement
  | Consume
  | CreateCharge
  | UpdateCharge
  | CollectCharge
  | CorrectCharge
  | CancelCharge
  | AdjustUp
  | AdjustDown
  | RecognizeRevenue
  | PostManually
  | ReverseManually
  | BookDue;

/**
 * Callers' clocks differ: what is told as having happened ahead of now, by no more than `leeway` milliseconds, happened
 * now (domain.md §14). What lies further ahead is left to its rule, which refuses it.
 */
export function inTime<C extends Command>(command: C, now: Instant, leeway: number): C {
  const means = (told: Instant | null) => (told !== null && told > now && told <= now + leeway ? now : told);
  if ('bookedAt' in command) return { ...command, bookedAt: means(command.bookedAt) };
  return 'occurredAt' in command ? { ...command, occurredAt: means(command.occurredAt) } : command;
}

/** The earliest past instant a command books at, or null when it only books now: how much history it needs. */
export const booksFrom = (command: Command): Instant | null =>
  command.kind === 'consume' || command.kind === 'collectCharge' ? command.bookedAt : null;
