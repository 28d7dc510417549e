import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { undoExpiry } from '../ledger/posting-rules.ts';
import { book, grantOf, putGrant, type Work } from './book-state.ts';
import { creditOf, type Grant, type Move } from './grant.ts';

/** From `at` on, this much more of a grant is untaken until now. */
export type Step = { readonly at: Instant; readonly amount: Amount };

/**
 * What nobody has taken from a grant at any instant from `from` to now, its expiry left aside (domain.md §6), as the
 * steps in which it grows: the first at `from`, a further one where credit given back stayed untaken since.
 * Taking each step's amount at its instant never makes a past instant negative and never spends credit twice.
 */
export function untakenSteps(grant: Grant, from: Instant): readonly Step[] {
  const untakenNow = grant.remaining + grant.expired;
  if (untakenNow === 0n || grant.bookedAt === null) return [];
  const changes = changesAfter(grant, from);
  const steps: Step[] = [];
  let least = untakenNow;
  let untaken = untakenNow;
  // Backwards from now: what was untaken before each change, and the least from there on.
  for (const { at, delta } of changes.toReversed()) {
    untaken -= delta;
    if (untaken < least) {
      steps.push({ at, amount: least - untaken });
      least = untaken;
    }
  }
  if (least > 0n) steps.push({ at: from, amount: least });
  return steps.toReversed();
}

/** What may be taken from a grant at `from`. */
export function untakenFrom(grant: Grant, from: Instant): Amount {
  const first = untakenSteps(grant, from)[0];
  return first !== undefined && first.at === from ? first.amount : 0n;
}

/** The grant's moves after an instant in order of time, those of one instant as one. */
function changesAfter(grant: Grant, from: Instant): readonly Move[] {
  // The usual case: what is booked now comes after all moves.
  if (grant.moves.every(({ at }) => at <= from)) return [];
  const sums = new Map<Instant, Amount>();
  for (const { at, delta } of grant.moves) if (at > from) sums.set(at, (sums.get(at) ?? 0n) + delta);
  return [...sums].toSorted(([a], [b]) => a - b).map(([at, delta]) => ({ at, delta }));
}

/**
 * Takes an amount of a grant at an instant, for a charge or to cover an advance. The caller has made sure that
 * nobody took it since. From a grant that has expired meanwhile the slice of its expiry is undone first.
 */
export function takeFrom(work: Work, grantId: string, amount: Amount, at: Instant): Grant {
  const grant = grantOf(work, grantId);
  const expired = grant.phase === 'EXPIRED';
  if (expired) book(work, undoExpiry(creditOf(grant), amount, grant.expiresAt));
  const taken: Grant = {
    ...grant,
    remaining: expired ? grant.remaining : grant.remaining - amount,
    expired: expired ? grant.expired - amount : grant.expired,
    consumed: grant.consumed + amount,
    moves: [...grant.moves, { at, delta: -amount }],
  };
  if (taken.remaining < 0n || taken.expired < 0n) throw new Error(`invariant: ${grantId} is overdrawn`);
  return putGrant(work, taken);
}
