import { sumAmounts } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { isSettled } from '../ledger/account.ts';
import { subjectOf } from '../ledger/journal.ts';
import type { Movement } from '../ledger/movements.ts';
import type { Leg, Posting } from '../ledger/posting.ts';
import { inScope, type Scope } from '../scope.ts';

/**
 * The rows that postings not booked yet will show in a scope, oldest first: the same rules as for booked ones
 * (src/ledger/movements.ts), in memory. Nothing that falls due by itself undoes an expiry or is issued twice, so only
 * coverings of one charge by one grant at one instant are put together.
 */
export function forecastMovements(
  postings: readonly Posting[],
  next: { readonly version: number; readonly recordedAt: Instant },
  scope: Scope,
): readonly Movement[] {
  const rows = new Map<string, Movement>();
  for (const [index, { kind, bookedAt, legs }] of postings.entries()) {
    const grantId = subjectOf(legs, 'grantId');
    const chargeId = subjectOf(legs, 'chargeId');
    const together = kind === 'COVER' ? `${grantId} ${chargeId} ${bookedAt}` : index;
    for (const currency of new Set(legs.map((leg) => leg.account.currency))) {
      const moved = legs.filter((leg) => movesSettled(leg, currency, scope));
      const key = `${together} ${currency}`;
      const { amount, position } = rows.get(key) ?? { amount: 0n, position: index + 1 };
      rows.set(key, {
        id: null,
        kind,
        currency,
        amount: amount + sumAmounts(moved.map((leg) => leg.amount)),
        grantId,
        chargeId,
        reason: null,
        bookedAt,
        ...next,
        position,
      });
    }
  }
  return [...rows.values()]
    .filter((row) => row.amount !== 0n)
    .toSorted((a, b) => a.bookedAt - b.bookedAt || a.position - b.position);
}

/** Whether a leg changes settled in a currency and scope. */
export const movesSettled = ({ account }: Leg, currency: string, scope: Scope): boolean =>
  account.currency === currency && inScope(scope, account.featureKeys) && isSettled(account);
