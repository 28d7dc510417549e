import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from './account.ts';

/** What happened, as a transaction's kind (the events of domain.md §5). */
export type PostingKind =
  | 'ISSUE'
  | 'PAYMENT_AUTHORIZED'
  | 'PAYMENT_SETTLED'
  | 'PAYMENT_FAILED'
  | 'EXPIRE'
  | 'EXPIRE_UNDONE'
  | 'CONSUME'
  | 'COVER'
  | 'CORRECT'
  | 'VOID'
  | 'RECOGNIZE'
  | 'ADJUST'
  | 'MANUAL'
  | 'REVERSE';

/** One side of a posting: the amount booked to a sub-account, and the grant and charge it concerns. */
export type Leg = {
  readonly account: SubAccount;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** The entry this one takes back, wholly or in part. */
  readonly reverses?: { readonly version: number; readonly position: number };
};

/** A transaction before it has a version: legs that sum to zero per currency, at one business instant. */
export type Posting = {
  readonly kind: PostingKind;
  readonly bookedAt: Instant;
  readonly legs: readonly Leg[];
  /** Why, in the words of who adjusted or posted by hand. */
  readonly reason?: string;
};

/** Law 1: no posting leaves this module unbalanced. Sides of nothing (money rounded to zero) are no entries. */
export function balanced({ legs, ...facts }: Posting): Posting {
  const posting = { ...facts, legs: legs.filter((leg) => leg.amount !== 0n) };
  const sums = new Map<string, Amount>();
  for (const leg of posting.legs) {
    sums.set(leg.account.currency, (sums.get(leg.account.currency) ?? 0n) + leg.amount);
  }
  for (const [currency, sum] of sums) {
    if (sum !== 0n) throw new Error(`invariant: ${posting.kind} sums to ${sum} in ${currency}`);
  }
  return posting;
}
