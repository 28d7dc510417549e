import { sumAmounts, type Amount } from '../amount.ts';
import type { Scope } from '../scope.ts';
import type { BookState } from './book-state.ts';
import { outstanding, weighsAt } from './charge.ts';
import { totalWeight, weights } from './live.ts';
import { openIn, owedIn, promisedIn, remainingIn } from './pools.ts';

/** The three figures of one currency in one scope at the instant the state has been advanced to. */
export type Balance = {
  readonly currency: string;
  readonly settled: Amount;
  readonly live: Amount;
  readonly pending: Amount;
};

/** Credit booked on the ledger: what remains of every grant, less the advances nothing has covered (domain.md §5). */
export const settled = (state: BookState, currency: string, scope: Scope): Amount =>
  remainingIn(state.grants, currency, scope) - owedIn(state.advances, currency, scope);

/** Settled after the impact of the charges that are open at the instant (domain.md §9). */
export const live = (state: BookState, currency: string, scope: Scope): Amount =>
  settled(state, currency, scope) - weightNow(state, currency, scope);

function weightNow({ grants, charges, clock: at }: BookState, currency: string, scope: Scope): Amount {
  const weighing = openIn(charges, currency, scope).filter((charge) => weighsAt(charge, at));
  if (weighing.length === 0) return 0n;
  // Where unrestricted credit is enough for all of them, each takes what it wants, whatever the order.
  const most = sumAmounts(weighing.map(outstanding));
  if (most <= remainingIn(grants, currency, { kind: 'unrestricted' })) return most;
  return totalWeight(weights(grants.values(), weighing, { currency, scope, at }));
}

/** Credit that is promised at the instant and not booked yet (domain.md §4). */
export const pending = (state: BookState, currency: string, scope: Scope): Amount =>
  promisedIn(state.grants, currency, scope);

/** Everything the answer to a write says about the currency it concerned. */
export const balanceOf = (state: BookState, currency: string, scope: Scope): Balance => ({
  currency,
  settled: settled(state, currency, scope),
  live: live(state, currency, scope),
  pending: pending(state, currency, scope),
});
