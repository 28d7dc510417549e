import { sumAmounts, type Amount } from '../amount.ts';
import { pendingAt, sumPromised, type CreditPromise } from '../pending/promise.ts';
import { inScope, keysOf, type Scope } from '../scope.ts';
import type { BookState } from './book-state.ts';
import { totalWeight, weights } from './live.ts';
import { promiseOf } from './grant.ts';

/** The three figures of one currency in one scope at the instant the state has been advanced to. */
export type Balance = {
  readonly currency: string;
  readonly settled: Amount;
  readonly live: Amount;
  readonly pending: Amount;
};

/** Credit booked on the ledger: what remains of every grant, less the advances nothing has covered (domain.md §5). */
export function settled(state: BookState, currency: string, scope: Scope): Amount {
  const held = [...state.grants.values()].filter(
    (g) => g.currency === currency && inScope(scope, g.featureKeys),
  );
  const owed = [...state.advances.values()].filter(
    (a) => a.currency === currency && inScope(scope, keysOf(a.featureKey)),
  );
  return sumAmounts(held.map((g) => g.remaining)) - sumAmounts(owed.map((a) => a.uncovered));
}

/** Settled after the impact of the charges that are open at the instant (domain.md §9). */
export const live = (state: BookState, currency: string, scope: Scope): Amount =>
  settled(state, currency, scope) -
  totalWeight(
    weights([...state.grants.values()], [...state.charges.values()], { currency, scope, at: state.clock }),
  );

/** Credit that is promised at the instant and not booked yet (domain.md §4). */
export function pending(state: BookState, currency: string, scope: Scope): Amount {
  const promised = [...state.grants.values()]
    .map(promiseOf)
    .filter((promise): promise is CreditPromise => promise !== null && pendingAt(promise, state.clock));
  return sumPromised(promised, currency, scope);
}

/** Everything the answer to a write says about the currency it concerned. */
export const balanceOf = (state: BookState, currency: string, scope: Scope): Balance => ({
  currency,
  settled: settled(state, currency, scope),
  live: live(state, currency, scope),
  pending: pending(state, currency, scope),
});
