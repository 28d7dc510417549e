import type { Instant } from '../../../src/instant.ts';
import { mayPay } from '../../../src/scope.ts';
import { plus, type Facts } from './facts.ts';
import { bookingOf, creditAt, leastUntaken, uncovered } from './grants.ts';

/**
 * "No advance is left uncovered while credit it could use lies idle" (domain.md §7), said as one scan: at every
 * instant from `from` to `to`, every grant in burn order, every outstanding advance oldest first. It serves a grant that
 * becomes credit, a grant told late, an advance told late, credit that comes back and the forecast alike; where there
 * is nothing to do it finds nothing. Returns the facts with the coverings it found, under the given version.
 */
export function coverIdle(facts: Facts, version: number, from: Instant, to: Instant): Facts {
  let known = facts;
  // What is used up to this day has nothing to give at any instant.
  const left = facts.grants.filter((grant) => leastUntaken(facts, grant, Infinity) > 0n);
  for (const at of instantsOf(facts, from, to)) {
    const debts = outstandingAt(known, at);
    if (debts.length === 0) continue;
    for (const grant of creditAt(known, at, left)) {
      for (const advance of debts) {
        if (advance.currency !== grant.currency || !mayPay(grant.featureKeys, advance.featureKey)) continue;
        const owed = uncovered(known, advance, Infinity);
        const idle = leastUntaken(known, grant, at);
        const amount = owed < idle ? owed : idle;
        if (amount === 0n) continue;
        const { chargeId, collection } = advance;
        known = plus(known, 'takes', {
          version,
          why: 'COVER',
          grantId: grant.id,
          chargeId,
          collection,
          at,
          amount,
          of: null,
        });
      }
    }
  }
  return known;
}

/** The instants at which credit or a debt comes into being or credit comes back, from the oldest debt on. */
function instantsOf(facts: Facts, from: Instant, to: Instant): readonly Instant[] {
  const oldest = outstandingAt(facts, to)[0];
  if (oldest === undefined) return [];
  const bookings = facts.grants.map((grant) => bookingOf(facts, grant));
  const returns = facts.takes.filter((take) => take.why === 'RETURN');
  const instants = new Set([...bookings, ...[...facts.advances, ...returns].map(({ at }) => at)]);
  return [...instants].filter((at) => Math.max(oldest.at, from) <= at && at <= to).toSorted((a, b) => a - b);
}

/** Advances of an instant ≤ `at` that are owed to this day, oldest first by instant, then version. */
const outstandingAt = (facts: Facts, at: Instant) =>
  facts.advances
    .filter((advance) => advance.at <= at && uncovered(facts, advance, Infinity) > 0n)
    .toSorted((a, b) => a.at - b.at || a.version - b.version);
