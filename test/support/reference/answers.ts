import { sumAmounts, type Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { inScope, type Scope } from '../../../src/scope.ts';
import { weightAt } from './charges.ts';
import type { Facts, GrantFact } from './facts.ts';
import { bookingOf, issueOf, takenBy, timesOf, uncovered, voidedAt } from './grants.ts';

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

/** What decides how a grant stands at any instant: looked up once for all that is asked of it. */
type Life = {
  readonly grant: GrantFact;
  readonly from: Instant;
  readonly booking: Instant;
  readonly expiresAt: Instant;
  readonly voidedAt: Instant;
};

const lifeOf = (facts: Facts, grant: GrantFact): Life => ({
  grant,
  // Before the earlier of its recording and its booking a grant is nothing yet.
  from: Math.min(grant.recordedAt, issueOf(facts, grant)),
  booking: bookingOf(facts, grant),
  expiresAt: timesOf(facts, grant.id).expiresAt,
  voidedAt: voidedAt(facts, grant.id),
});

export const existsAt = ({ facts, at }: View, grant: GrantFact): boolean => lifeOf(facts, grant).from <= at;

export const partsOf = ({ facts, at }: View, grant: GrantFact): Parts =>
  partsAt(facts, lifeOf(facts, grant), at);

function partsAt(facts: Facts, { grant, ...life }: Life, at: Instant): Parts {
  if (at < life.from) return NOTHING;
  const ended = life.expiresAt <= at;
  if (life.booking > at) {
    if (life.voidedAt <= at) return { ...NOTHING, voided: grant.amount };
    return ended ? { ...NOTHING, expired: grant.amount } : { ...NOTHING, pending: grant.amount };
  }
  const consumed = takenBy(facts, grant.id, at, 'SOURCE', 'COVER', 'ADJUST', 'RETURN');
  const voided = takenBy(facts, grant.id, at, 'FORFEIT');
  const rest = grant.amount - consumed - voided;
  return { ...NOTHING, consumed, voided, ...(ended ? { expired: rest } : { remaining: rest }) };
}

/** Null before it exists. */
export const statusOf = ({ facts, at }: View, grant: GrantFact): Status | null =>
  statusAt(lifeOf(facts, grant), at);

function statusAt(life: Life, at: Instant): Status | null {
  if (at < life.from) return null;
  if (life.voidedAt <= at) return 'VOIDED';
  if (life.expiresAt <= at) return 'EXPIRED';
  return life.booking <= at ? 'ACTIVE' : 'PENDING';
}

/** Credit held less advances nobody has covered, in the currency and scope. */
export function settledIn(view: View, currency: string, scope: Scope): Amount {
  const { grants, owed } = standing(view);
  const held = grants.filter(({ fact }) => counts(fact, currency, scope));
  const debts = owed.filter((debt) => debt.currency === currency && inScope(scope, debt.keys));
  return sumAmounts(held.map(({ parts }) => parts.remaining)) - sumAmounts(debts.map(({ amount }) => amount));
}

/** Settled after the impact of the charges that are open at the instant. */
export const liveIn = (view: View, currency: string, scope: Scope): Amount =>
  settledIn(view, currency, scope) - weightAt(view.facts, view.at, currency, scope);

export const pendingIn = (view: View, currency: string, scope: Scope): Amount =>
  sumAmounts(
    standing(view)
      .grants.filter(({ fact }) => counts(fact, currency, scope))
      .map(({ parts }) => parts.pending),
  );

const counts = (grant: GrantFact, currency: string, scope: Scope): boolean =>
  grant.currency === currency && inScope(scope, grant.featureKeys);

/** Everything that stands at the view's instant: each grant with its parts, each advance with what is owed of it. */
export type Standing = {
  readonly grants: readonly {
    readonly fact: GrantFact;
    readonly status: Status | null;
    readonly parts: Parts;
  }[];
  readonly owed: readonly {
    readonly currency: string;
    readonly keys: readonly string[];
    readonly amount: Amount;
  }[];
};

// Ten scopes and currencies ask for the same view.
const known = new WeakMap<View, Standing>();

export function standing(view: View): Standing {
  const before = known.get(view);
  if (before !== undefined) return before;
  const found = standingOf(view);
  known.set(view, found);
  return found;
}

const standingOf = ({ facts, at }: View): Standing => ({
  grants: facts.grants.map((fact) => {
    const life = lifeOf(facts, fact);
    return { fact, status: statusAt(life, at), parts: partsAt(facts, life, at) };
  }),
  owed: facts.advances
    .filter((advance) => advance.at <= at)
    .map((advance) => ({
      currency: advance.currency,
      keys: advance.featureKey === null ? [] : [advance.featureKey],
      amount: uncovered(facts, advance, at),
    })),
});
