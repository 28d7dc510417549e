import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { inScope, keysOf, type Scope } from '../scope.ts';
import { burnOrderAt } from './burn-order.ts';
import { orderOfStart, weighsFrom, type Advance, type Charge } from './charge.ts';
import type { GrantView } from './grant-view.ts';
import type { Grant } from './grant.ts';
import { weights, type Weight } from './live.ts';

/** Where figures come from: the addends, and why what adds nothing does not (domain.md §§5, 9, 10). */

/** Why a grant, advance or charge adds nothing to a figure. */
export type Exclusion =
  | 'NOT_YET_EFFECTIVE'
  | 'AWAITING_SETTLEMENT'
  | 'FEATURE_MISMATCH'
  | 'EXHAUSTED'
  | 'EXPIRED'
  | 'VOIDED'
  | 'NOT_YET_STARTED'
  | 'HOLD_EXPIRED';

/** One currency in one scope at an instant. */
export type Explained = { readonly currency: string; readonly scope: Scope; readonly at: Instant };

/** The grants whose remainder settled is the sum of, in the burn order of the instant. */
export const sourcesOf = (grants: readonly Grant[], { currency, scope, at }: Explained): readonly Grant[] =>
  grants
    .filter((grant) => grant.currency === currency && grant.remaining > 0n)
    .filter((grant) => inScope(scope, grant.featureKeys))
    .toSorted(burnOrderAt(at));

/** Why a grant that is known at the instant has nothing in settled there; a source has no reason, and throws. */
export function whyNotSettled({ grant, status, remaining }: GrantView, { scope, at }: Explained): Exclusion {
  if (!inScope(scope, grant.featureKeys)) return 'FEATURE_MISMATCH';
  if (status === 'VOIDED' || status === 'EXPIRED') return status;
  if (status === 'PENDING') return grant.effectiveAt > at ? 'NOT_YET_EFFECTIVE' : 'AWAITING_SETTLEMENT';
  if (status === 'ACTIVE' && remaining === 0n) return 'EXHAUSTED';
  throw new Error(`invariant: grant ${grant.id} counts in settled and is not among its addends`);
}

export type ExplainedAdvance = {
  readonly advance: Advance;
  readonly exclusion: Exclusion | null;
  /** At most zero. */
  readonly settled: Amount;
};

/** What is owed in the currency, oldest first. */
export const explainAdvances = (
  advances: readonly Advance[],
  { currency, scope }: Explained,
): readonly ExplainedAdvance[] =>
  advances
    .filter((advance) => advance.currency === currency && advance.uncovered > 0n)
    .toSorted((a, b) => a.at - b.at || a.entry.version - b.entry.version)
    .map((advance) =>
      inScope(scope, keysOf(advance.featureKey))
        ? { advance, exclusion: null, settled: -advance.uncovered }
        : { advance, exclusion: 'FEATURE_MISMATCH', settled: 0n },
    );

/** What a charge takes; nothing of one that is excluded. */
export type ExplainedCharge = Weight & { readonly exclusion: Exclusion | null };

/** The open charges in the currency: those that weigh in the order in which they take, then the others. */
export function explainCharges(
  grants: readonly Grant[],
  charges: readonly Charge[],
  asked: Explained,
): readonly ExplainedCharge[] {
  const weighing = weights(grants, charges, asked);
  const weighs = new Set(weighing.map(({ charge }) => charge));
  const others = charges
    .filter(({ currency, status }) => currency === asked.currency && status === 'OPEN')
    .filter((charge) => !weighs.has(charge))
    .toSorted(orderOfStart);
  return [
    ...weighing.map((weight) => ({ ...weight, exclusion: null })),
    ...others.map((charge) => ({ charge, amount: 0n, taken: [], exclusion: whyWeightless(charge, asked) })),
  ];
}

function whyWeightless(charge: Charge, { scope, at }: Explained): Exclusion {
  if (!inScope(scope, keysOf(charge.featureKey))) return 'FEATURE_MISMATCH';
  return at < charge.holdExpiresAt && at < weighsFrom(charge) ? 'NOT_YET_STARTED' : 'HOLD_EXPIRED';
}
