import { sumAmounts, type Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { inScope, type Scope } from '../scope.ts';

/** A promise: credit that is pending over `[from, until)` (domain.md §4). */
export type CreditPromise = {
  readonly grantId: string;
  readonly currency: string;
  readonly featureKeys: readonly string[];
  readonly amount: Amount;
  /** Inclusive: when the promise was recorded. */
  readonly from: Instant;
  /** Exclusive: when it is booked, called off or lapses; NEVER while that is open. */
  readonly until: Instant;
  /** When it becomes credit as far as known; NEVER while its funding waits. */
  readonly effectiveAt: Instant;
  readonly expiresAt: Instant;
};

/** Promised credit of one currency and one set of feature keys. */
export type Promised = Pick<CreditPromise, 'currency' | 'featureKeys' | 'amount'>;

export const pendingAt = (promise: CreditPromise, at: Instant): boolean =>
  promise.from <= at && at < promise.until;

/** `pending` in a currency and scope: the one place where promises are added up. */
export const sumPromised = (promised: Iterable<Promised>, currency: string, scope: Scope): Amount =>
  sumAmounts(
    [...promised]
      .filter((p) => p.currency === currency && inScope(scope, p.featureKeys))
      .map((p) => p.amount),
  );

/** Whether the index would say the same of both: what else there is of a promise never changes. */
export const samePromise = (a: CreditPromise | null, b: CreditPromise | null): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    a.until === b.until &&
    a.effectiveAt === b.effectiveAt &&
    a.expiresAt === b.expiresAt);
