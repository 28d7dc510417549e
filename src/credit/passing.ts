import type { Instant } from '../instant.ts';
import { keysOf } from '../scope.ts';
import { due } from './advance-to.ts';
import type { BookState } from './book-state.ts';
import type { TimeCause } from './cause.ts';
import { weighsFrom, type Charge } from './charge.ts';

/** One thing that happens by itself, and whose figures it concerns. */
export type Passing = {
  readonly cause: TimeCause;
  readonly at: Instant;
  readonly currency: string;
  readonly featureKeys: readonly string[];
};

/** What happens to a book by itself after its clock and up to `to`, inclusive; in no particular order. */
export function passingsUntil(state: BookState, to: Instant): readonly Passing[] {
  const ofGrants = due(state, to).map(({ at, kind, grant: { currency, featureKeys } }): Passing => ({
    cause: kind === 'EXPIRY' ? 'GRANT_EXPIRED' : 'GRANT_EFFECTIVE',
    ...{ at, currency, featureKeys },
  }));
  const ofCharges = [...state.charges.values()]
    .flatMap(weighing)
    .filter(({ at }) => at > state.clock && at <= to);
  return [...ofGrants, ...ofCharges];
}

/** When an open charge begins and ceases to weigh on live. */
function weighing(charge: Charge): readonly Passing[] {
  const from = weighsFrom(charge);
  const until = charge.holdExpiresAt;
  if (charge.status !== 'OPEN' || from >= until) return [];
  const own = { currency: charge.currency, featureKeys: keysOf(charge.featureKey) };
  return [
    { cause: 'CHARGE_STARTED', at: from, ...own },
    { cause: 'HOLD_EXPIRED', at: until, ...own },
  ];
}
