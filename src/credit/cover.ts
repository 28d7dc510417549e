import { minAmount, type Amount } from '../amount.ts';
import { later, type Instant } from '../instant.ts';
import { cover } from '../ledger/posting-rules.ts';
import { mayPay } from '../scope.ts';
import { book, grantOf, keep, putAdvance, type Work } from './book-state.ts';
import { burnOrderAt } from './burn-order.ts';
import { usageOf, type Advance } from './charge.ts';
import { creditOf, type Grant } from './grant.ts';
import { owedTo, untakenFor } from './pools.ts';
import { takeFrom, untakenFrom, untakenSteps } from './take.ts';

/**
 * No advance is left uncovered while credit it could use lies idle (domain.md §7). This file holds both sides of it:
 * a grant that has credit to give covers the advances there are, and an advance recorded late finds the credit that
 * has lain idle since.
 */

/** The grant covers what it may of the outstanding advances, oldest first, each from max(`from`, its own instant). */
export function coverWith(work: Work, grantId: string, from: Instant): void {
  for (const advance of owedTo(work.advances, grantOf(work, grantId))) {
    const grant = grantOf(work, grantId);
    if (grant.remaining + grant.expired === 0n) return;
    const at = later(from, advance.at);
    if (at >= grant.expiresAt) continue;
    const amount = minAmount(advance.uncovered, untakenFrom(grant, at));
    if (amount > 0n) coverSlice(work, advance, grantId, amount, at);
  }
}

/**
 * A late advance is covered by credit that was idle at or after its instant, also of grants that have expired since:
 * in order of the instant from which the credit was free, then burn order (domain.md §14).
 */
export function coverLate(work: Work, key: string): void {
  const late = advanceOf(work, key);
  const idle = untakenFor(work.grants, late)
    .filter((grant) => grant.bookedAt !== null)
    .flatMap((grant) =>
      untakenSteps(grant, later(grant.bookedAt!, late.at))
        .filter((step) => step.at < grant.expiresAt)
        .map((step) => ({ grant, ...step })),
    )
    .toSorted((a, b) => a.at - b.at || burnOrderAt(a.at)(a.grant, b.grant));
  for (const { grant, at, amount } of idle) {
    const { uncovered } = advanceOf(work, key);
    if (uncovered === 0n) return;
    coverSlice(work, advanceOf(work, key), grant.id, minAmount(uncovered, amount), at);
  }
}

function coverSlice(work: Work, advance: Advance, grantId: string, amount: Amount, at: Instant): void {
  const grant = takeFrom(work, grantId, amount, at);
  const ref = book(work, cover(usageOf(advance.chargeId, advance), { credit: creditOf(grant), amount }, at));
  putAdvance(work, { ...advance, uncovered: advance.uncovered - amount });
  const { chargeId, collection } = advance;
  keep(work, { ref, chargeId, collection, kind: 'COVER', grantId, amount, at });
}

/** Whether a grant's credit may pay for an advance: same currency, and free for its feature. */
export const isCompatible = (grant: Grant, advance: Pick<Advance, 'currency' | 'featureKey'>): boolean =>
  grant.currency === advance.currency && mayPay(grant.featureKeys, advance.featureKey);

function advanceOf(work: Work, key: string): Advance {
  const advance = work.advances.get(key);
  if (advance === undefined) throw new Error(`invariant: advance ${key} is not loaded`);
  return advance;
}
