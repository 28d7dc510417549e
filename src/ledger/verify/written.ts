import type { Amount } from '../../amount.ts';
import type { Instant } from '../../instant.ts';
import type { PostingKind } from '../posting.ts';

/** A book's journal as it stands in its rows, whatever is wrong with them: nothing is joined, what is missing is missing. */

export type WrittenTransaction = {
  readonly uuid: string;
  readonly version: number;
  readonly ordinal: number;
  readonly kind: PostingKind;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  readonly reason: string | null;
  readonly hash: Buffer;
};

export type WrittenEntry = {
  readonly version: number;
  readonly position: number;
  /** The ordinal of its transaction. */
  readonly transaction: number;
  /** The ordinal of its sub-account. */
  readonly subAccount: number;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly runningTotal: Amount;
  readonly grantId: string | null;
  readonly grantRemaining: Amount | null;
  readonly chargeId: string | null;
  readonly reverses: { readonly version: number; readonly position: number } | null;
  readonly bookedAt: Instant;
  readonly lateClass: number | null;
};

/** One version of a book. */
export type Written = {
  readonly version: number;
  /** When its write was recorded; null: there is no such write. */
  readonly recordedAt: Instant | null;
  readonly transactions: readonly WrittenTransaction[];
  readonly entries: readonly WrittenEntry[];
};
