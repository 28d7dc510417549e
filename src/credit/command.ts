import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';
import type { Charge, Collection, SettlementMode } from './charge.ts';
import type { Details, Funding, Grant } from './grant.ts';

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
  readonly funding: Funding;
};

export type VoidGrant = {
  readonly kind: 'voidGrant';
  readonly grantId: string;
  readonly reason: string;
  readonly paymentAdjustment: 'NONE' | 'RELEASE_UNPAID';
};

/** Create, collect and finalize a charge in one step. */
export type Consume = {
  readonly kind: 'consume';
  readonly chargeId: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly mode: SettlementMode;
  readonly tax: Tax | null;
  readonly details: Details;
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

/** What a caller wants done to one customer's book; all ids in it are made before it is decided. */
export type Command = CreateGrant | VoidGrant | Consume;

/** What the caller learns, besides the state it led to. */
export type AnswerOf<C extends Command> = C extends CreateGrant | VoidGrant
  ? { readonly currency: string; readonly grant: Grant }
  : { readonly currency: string; readonly charge: Charge; readonly collection: Collection };

/** The earliest past instant a command books at, or null when it only books now: how much history it needs. */
export const booksFrom = (command: Command): Instant | null =>
  command.kind === 'consume' ? command.bookedAt : null;
