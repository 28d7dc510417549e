import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from './account.ts';

/** The kinds of rows a customer's history shows (domain.md §11). */
export type TransactionType = 'FUNDED' | 'CONSUMED' | 'CORRECTED' | 'EXPIRED' | 'VOIDED' | 'ADJUSTED';

/** All that has to be said of a kind of posting to those who read the journal; what is left out is a type error. */
export type KindOfPosting = {
  /** What the customer's history shows it as; null: it has no row of its own. */
  readonly shows: TransactionType | null;
  /** Why settled moves by it, in the words of `credit.v1.ChangeCause`; null: it moves none. */
  readonly cause:
    | 'GRANT_EFFECTIVE'
    | 'GRANT_EXPIRED'
    | 'GRANT_VOIDED'
    | 'CHARGE_COLLECTED'
    | 'CHARGE_CORRECTED'
    | 'ADJUSTED'
    | null;
  /** What it does to the credit that a grant holds; TAKEN is also what is given back. Null: it touches none. */
  readonly held: 'ISSUED' | 'TAKEN' | 'EXPIRED' | 'VOIDED' | null;
};

/** Every kind there is (the events of domain.md §5). */
export const POSTING_KINDS = {
  ISSUE: { shows: 'FUNDED', cause: 'GRANT_EFFECTIVE', held: 'ISSUED' },
  PAYMENT_AUTHORIZED: { shows: null, cause: null, held: null },
  PAYMENT_SETTLED: { shows: null, cause: null, held: null },
  PAYMENT_FAILED: { shows: null, cause: null, held: null },
  EXPIRE: { shows: 'EXPIRED', cause: 'GRANT_EXPIRED', held: 'EXPIRED' },
  // It shows in the row of its expiry.
  EXPIRE_UNDONE: { shows: null, cause: 'GRANT_EXPIRED', held: 'EXPIRED' },
  CONSUME: { shows: 'CONSUMED', cause: 'CHARGE_COLLECTED', held: 'TAKEN' },
  COVER: { shows: 'CONSUMED', cause: 'CHARGE_COLLECTED', held: 'TAKEN' },
  CORRECT: { shows: 'CORRECTED', cause: 'CHARGE_CORRECTED', held: 'TAKEN' },
  VOID: { shows: 'VOIDED', cause: 'GRANT_VOIDED', held: 'VOIDED' },
  RECOGNIZE: { shows: null, cause: null, held: null },
  // Up it is issued, down taken.
  ADJUST: { shows: 'ADJUSTED', cause: 'ADJUSTED', held: 'TAKEN' },
  MANUAL: { shows: null, cause: null, held: null },
  REVERSE: { shows: null, cause: null, held: null },
} as const satisfies Readonly<Record<string, KindOfPosting>>;

export type PostingKind = keyof typeof POSTING_KINDS;

/** The kinds of which something holds, in the order above. */
export const kindsThat = (holds: (kind: KindOfPosting) => boolean): readonly PostingKind[] =>
  (Object.keys(POSTING_KINDS) as PostingKind[]).filter((kind) => holds(POSTING_KINDS[kind]));

/** As a list in SQL: the kinds that do one of these to the credit a grant holds. */
export const kindsHeld = (...held: readonly KindOfPosting['held'][]): string =>
  `(${kindsThat((kind) => held.includes(kind.held))
    .map((kind) => `'${kind}'`)
    .join(', ')})`;

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
