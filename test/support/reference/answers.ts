import { sumAmounts, type Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { inScope, type Scope } from '../../../src/scope.ts';
import { bookingOf, takenBy, uncovered, voidedAt, type Facts, type GrantFact } from './facts.ts';

export type { GrantFact };

/** The facts as known at one instant of the system axis, with the coverings that fall due up to `at` foreseen. */
export type View = { readonly facts: Facts; readonly at: Instant };

/** What became of a grant's amount by the view's instant (domain.md §3). */
export type Parts = {
  readonly pending: Amount;
  readonly remaining: Amount;
  readonly consumed: Amount;
  readonly expired: Amount;
  readonly voided: Amount;
};
export type Status = 'PENDING' | 'ACTIVE' | 'EXPIRED' | 'VOIDED';

const NOTHING: Parts = { pending: 0n, remaining: 0n, consumed: 0n, expired: 0n, voided: 0n };

/** Before the earlier of its recording and its booking a grant is nothing yet. */
export const existsAt = ({ facts, at }: View, grant: GrantFact): boolean =>
  at >= Math.min(grant.recordedAt, bookingOf(facts, grant));

export function partsOf(view: View, grant: GrantFact): Parts {
  const { facts, at } = view;
  if (!existsAt(view, grant)) return NOTHING;
  const ended = grant.expiresAt <= at;
  if (bookingOf(facts, grant) > at) {
    if (voidedAt(facts, grant.id) <= at) return { ...NOTHING, voided: grant.amount };
    return ended ? { ...NOTHING, expired: grant.amount } : { ...NOTHING, pending: grant.amount };
  }
  const consumed = takenBy(facts, grant.id, at, 'SOURCE', 'COVER');
  const voided = takenBy(facts, grant.id, at, 'FORFEIT');
  const rest = grant.amount - consumed - voided;
  return { ...NOTHING, consumed, voided, ...(ended ? { expired: rest } : { remaining: rest }) };
}

/** Null before it exists. */
export function statusOf(view: View, grant: GrantFact): Status | null {
  const { facts, at } = view;
  if (!existsAt(view, grant)) return null;
  if (voidedAt(facts, grant.id) <= at) return 'VOIDED';
  if (grant.expiresAt <= at) return 'EXPIRED';
  return bookingOf(facts, grant) <= at ? 'ACTIVE' : 'PENDING';
}

/** Credit held less advances nobody has covered, in the currency and scope. */
export function settledIn(view: View, currency: string, scope: Scope): Amount {
  const held = grantsIn(view, currency, scope).map((grant) => partsOf(view, grant).remaining);
  const owed = view.facts.advances
    .filter((advance) => advance.at <= view.at && advance.currency === currency)
    .filter((advance) => inScope(scope, advance.featureKey === null ? [] : [advance.featureKey]))
    .map((advance) => uncovered(view.facts, advance, view.at));
  return sumAmounts(held) - sumAmounts(owed);
}

/** Settled after the impact of open charges, of which the model knows none yet. */
export const liveIn = settledIn;

export const pendingIn = (view: View, currency: string, scope: Scope): Amount =>
  sumAmounts(grantsIn(view, currency, scope).map((grant) => partsOf(view, grant).pending));

const grantsIn = (view: View, currency: string, scope: Scope): readonly GrantFact[] =>
  view.facts.grants.filter((grant) => grant.currency === currency && inScope(scope, grant.featureKeys));
