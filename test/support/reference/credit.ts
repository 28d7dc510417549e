import type { Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { mayPay } from '../../../src/scope.ts';
import { bookingOf, takenBy, uncovered, type Facts, type GrantFact, type Take } from './facts.ts';

/** What nobody had consumed or forfeited of a grant at one instant, its expiry left aside. */
const untaken = (facts: Facts, grant: GrantFact, at: Instant): Amount =>
  grant.amount - takenBy(facts, grant.id, at, 'SOURCE', 'COVER', 'FORFEIT');

/** The least of that at any instant from `from` to now: it can only change where something was taken. */
export function leastUntaken(facts: Facts, grant: GrantFact, from: Instant): Amount {
  let least = untaken(facts, grant, from);
  for (const take of facts.takes) {
    if (take.grantId !== grant.id || take.at <= from) continue;
    const then = untaken(facts, grant, take.at);
    if (then < least) least = then;
  }
  return least;
}

/** The grants that are credit at an instant and not expired at it, in burn order (domain.md §6). */
export const creditAt = (facts: Facts, at: Instant): readonly GrantFact[] =>
  facts.grants.filter((grant) => bookingOf(facts, grant) <= at && at < grant.expiresAt).sort(inBurnOrder);

function inBurnOrder(a: GrantFact, b: GrantFact): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  const [restrictedA, restrictedB] = [a.featureKeys.length > 0, b.featureKeys.length > 0];
  if (restrictedA !== restrictedB) return restrictedA ? -1 : 1;
  if (a.expiresAt !== b.expiresAt) return a.expiresAt < b.expiresAt ? -1 : 1;
  if (a.effectiveAt !== b.effectiveAt) return a.effectiveAt < b.effectiveAt ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/**
 * "No advance is left uncovered while credit it could use lies idle" (domain.md §7), said as one scan: at every
 * instant up to `to`, every grant in burn order, every outstanding advance oldest first. It serves a grant that
 * becomes credit, a grant told late, an advance told late and the forecast alike; where there is nothing to do it
 * finds nothing. Returns the facts with the coverings it found, under the given version.
 */
export function coverIdle(facts: Facts, version: number, to: Instant): Facts {
  let known = facts;
  for (const at of instantsOf(facts, to)) {
    for (const grant of creditAt(known, at)) {
      for (const advance of outstandingAt(known, at)) {
        if (advance.currency !== grant.currency || !mayPay(grant.featureKeys, advance.featureKey)) continue;
        const owed = uncovered(known, advance, Infinity);
        const idle = leastUntaken(known, grant, at);
        const amount = owed < idle ? owed : idle;
        if (amount === 0n) continue;
        const { chargeId } = advance;
        const take: Take = { version, why: 'COVER', grantId: grant.id, chargeId, at, amount };
        known = { ...known, takes: [...known.takes, take] };
      }
    }
  }
  return known;
}

/** The instants at which credit or a debt comes into being, from the oldest outstanding advance on. */
function instantsOf(facts: Facts, to: Instant): readonly Instant[] {
  const oldest = outstandingAt(facts, to)[0];
  if (oldest === undefined) return [];
  const instants = [
    ...facts.grants.map((grant) => bookingOf(facts, grant)),
    ...facts.advances.map(({ at }) => at),
  ];
  return [...new Set(instants)].filter((at) => oldest.at <= at && at <= to).sort((a, b) => a - b);
}

/** Advances of an instant ≤ `at` that nobody has covered to this day, oldest first by instant, then version. */
const outstandingAt = (facts: Facts, at: Instant) =>
  facts.advances
    .filter((advance) => advance.at <= at && uncovered(facts, advance, Infinity) > 0n)
    .sort((a, b) => a.at - b.at || a.version - b.version);
