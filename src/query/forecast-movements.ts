import { sumAmounts, type Amount } from '../amount.ts';
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
  const rows: Movement[] = [];
  for (const [index, { kind, bookedAt, legs }] of postings.entries()) {
    const grantId = subjectOf(legs, 'grantId');
    const chargeId = subjectOf(legs, 'chargeId');
    for (const currency of new Set(legs.map((leg) => leg.account.currency))) {
      const amount = sumAmounts(
        legs.filter((leg) => movesSettled(leg, currency, scope)).map((leg) => leg.amount),
      );
      const same = rows.findIndex(
        (row) =>
          kind === 'COVER' &&
          row.kind === 'COVER' &&
          row.grantId === grantId &&
          row.chargeId === chargeId &&
          row.bookedAt === bookedAt &&
          row.currency === currency,
      );
      if (same !== -1) rows[same] = add(rows[same]!, amount);
      else
        rows.push({
          id: null,
          kind,
          currency,
          amount,
          grantId,
          chargeId,
          reason: null,
          bookedAt,
          ...next,
          position: index + 1,
        });
    }
  }
  return rows
    .filter((row) => row.amount !== 0n)
    .toSorted((a, b) => a.bookedAt - b.bookedAt || a.position - b.position);
}

const add = (row: Movement, amount: Amount): Movement => ({ ...row, amount: row.amount + amount });

/** Whether a leg changes settled in a currency and scope. */
export const movesSettled = ({ account }: Leg, currency: string, scope: Scope): boolean =>
  account.currency === currency && inScope(scope, account.featureKeys) && isSettled(account);
