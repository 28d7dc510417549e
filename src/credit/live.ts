import { minAmount, sumAmounts, type Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { inScope, keysOf, mayPay, type Scope } from '../scope.ts';
import { burnOrderAt } from './burn-order.ts';
import { orderOfStart, outstanding, weighsAt, type Charge } from './charge.ts';
import type { Grant } from './grant.ts';

/** What an open charge takes from live, and from which grants; what of a CREDIT_ONLY charge they leave is unbounded. */
export type Weight = {
  readonly charge: Charge;
  readonly amount: Amount;
  readonly taken: readonly { readonly grantId: string; readonly amount: Amount }[];
};

/**
 * What the charges that are open at an instant take, in order (domain.md §9): each bounded charge takes at most its
 * outstanding from the sources it may use, and what it takes is gone for the next; then each CREDIT_ONLY charge takes
 * all of its outstanding, so that live can be negative. `grants` stand as they do at the instant.
 */
export function weights(
  grants: readonly Grant[],
  charges: readonly Charge[],
  { currency, scope, at }: { readonly currency: string; readonly scope: Scope; readonly at: Instant },
): readonly Weight[] {
  const weighing = charges
    .filter((c) => c.currency === currency && inScope(scope, keysOf(c.featureKey)) && weighsAt(c, at))
    .toSorted(orderOfStart);
  if (weighing.length === 0) return [];
  const sources = grants
    .filter((g) => g.currency === currency && inScope(scope, g.featureKeys) && g.remaining > 0n)
    .toSorted(burnOrderAt(at));
  const left = new Map(sources.map((grant) => [grant.id, grant.remaining]));
  const bounded = weighing
    .filter((charge) => charge.mode !== 'CREDIT_ONLY')
    .map((charge) => takeAtMost(charge, sources, left));
  const unbounded = weighing
    .filter((charge) => charge.mode === 'CREDIT_ONLY')
    .map((charge) => ({ ...takeAtMost(charge, sources, left), amount: outstanding(charge) }));
  return [...bounded, ...unbounded];
}

export const totalWeight = (all: readonly Weight[]): Amount => sumAmounts(all.map(({ amount }) => amount));

function takeAtMost(charge: Charge, sources: readonly Grant[], left: Map<string, Amount>): Weight {
  const taken: { grantId: string; amount: Amount }[] = [];
  let wanted = outstanding(charge);
  for (const grant of sources.filter(({ featureKeys }) => mayPay(featureKeys, charge.featureKey))) {
    const amount = minAmount(wanted, left.get(grant.id)!);
    if (amount === 0n) continue;
    taken.push({ grantId: grant.id, amount });
    left.set(grant.id, left.get(grant.id)! - amount);
    wanted -= amount;
  }
  return { charge, amount: outstanding(charge) - wanted, taken };
}
