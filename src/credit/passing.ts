import type { Instant } from '../instant.ts';
import { keysOf } from '../scope.ts';
import { due } from './advance-to.ts';
import type { BookState } from './book-state.ts';
import type { TimeCause } from './cause.ts';
import { turnsOf } from './charge.ts';

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
    at,
    currency,
    featureKeys,
  }));
  const ofCharges = state.charges
    .values()
    .filter(({ status }) => status === 'OPEN')
    .flatMap((charge) =>
      turnsOf(charge).map((turn): Passing => {
        return { ...turn, currency: charge.currency, featureKeys: keysOf(charge.featureKey) };
      }),
    );
  return [...ofGrants, ...ofCharges.filter(({ at }) => at > state.clock && at <= to)];
}
