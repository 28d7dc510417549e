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
    .toSorted(burnOrderAt(at))
    .map(({ id: grantId, featureKeys, remaining }, place) => ({
      grantId,
      featureKeys,
      left: remaining,
      place,
    }));
  const lines = [...Map.groupBy(sources, ({ featureKeys }) => JSON.stringify(featureKeys)).values()].map(
    (own): Line => ({ featureKeys: own[0]!.featureKeys, sources: own, next: 0 }),
  );
  const bounded = weighing
    .filter((charge) => charge.mode !== 'CREDIT_ONLY')
    .map((charge) => takeAtMost(charge, lines));
  const unbounded = weighing
    .filter((charge) => charge.mode === 'CREDIT_ONLY')
    .map((charge) => ({ ...takeAtMost(charge, lines), amount: outstanding(charge) }));
  return [...bounded, ...unbounded];
}

export const totalWeight = (all: readonly Weight[]): Amount => sumAmounts(all.map(({ amount }) => amount));

/** What is left of a grant, and its place in the burn order. */
type Source = { readonly grantId: string; readonly place: number; left: Amount };

/** The sources of one set of feature keys, in burn order: those before `next` have nothing left. */
type Line = {
  readonly featureKeys: readonly string[];
  readonly sources: readonly Source[];
  next: number;
};

function takeAtMost(charge: Charge, lines: readonly Line[]): Weight {
  const own = lines.filter(({ featureKeys }) => mayPay(featureKeys, charge.featureKey));
  const taken: { grantId: string; amount: Amount }[] = [];
  let wanted = outstanding(charge);
  while (wanted > 0n) {
    const line = firstOf(own);
    if (line === null) break;
    const source = line.sources[line.next]!;
    const amount = minAmount(wanted, source.left);
    taken.push({ grantId: source.grantId, amount });
    wanted -= amount;
    source.left -= amount;
    if (source.left === 0n) line.next += 1;
  }
  return { charge, amount: outstanding(charge) - wanted, taken };
}

/** The line whose next source comes first; null where all are used up. */
function firstOf(lines: readonly Line[]): Line | null {
  let first: Line | null = null;
  let least = Infinity;
  for (const line of lines) {
    const place = line.sources[line.next]?.place ?? Infinity;
    if (place < least) [first, least] = [line, place];
  }
  return first;
}
