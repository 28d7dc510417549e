import { minAmount, sumAmounts, type Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { inScope, mayPay, type Scope } from '../../../src/scope.ts';
import { sumOf, type ChargeFact, type Facts } from './facts.ts';
import { creditAt, takenBy } from './grants.ts';

/** What a charge is for at an instant; nothing before it was recorded. */
export const amountAt = (facts: Facts, chargeId: string, at: Instant): Amount =>
  facts.totals.findLast((total) => total.chargeId === chargeId && total.at <= at)?.amount ?? 0n;

/** Everything its collections have dealt with by an instant, less corrections. */
export const collectedAt = (facts: Facts, chargeId: string, at: Instant): Amount =>
  sumOf(facts.collected.filter((fact) => fact.chargeId === chargeId && fact.at <= at));

export const invoicedOf = (facts: Facts, chargeId: string): Amount =>
  sumAmounts(facts.collected.filter((fact) => fact.chargeId === chargeId).map((fact) => fact.invoiced));

export function outstandingAt(facts: Facts, chargeId: string, at: Instant): Amount {
  const rest = amountAt(facts, chargeId, at) - collectedAt(facts, chargeId, at);
  return rest > 0n ? rest : 0n;
}

export const statusOfCharge = (facts: Facts, chargeId: string): 'OPEN' | 'FINAL' | 'CANCELED' =>
  facts.closed.find((fact) => fact.chargeId === chargeId)?.status ?? 'OPEN';

const begins = (charge: ChargeFact): Instant => Math.max(charge.startsAt, charge.recordedAt);

function weighs(facts: Facts, charge: ChargeFact, at: Instant): boolean {
  const closed = facts.closed.some((fact) => fact.chargeId === charge.id && fact.at <= at);
  return begins(charge) <= at && at < charge.holdExpiresAt && !closed;
}

/** What the charges that weigh at an instant take from settled (domain.md §9). */
export function weightAt(facts: Facts, at: Instant, currency: string, scope: Scope): Amount {
  const charges = facts.charges
    .filter((charge) => charge.currency === currency && weighs(facts, charge, at))
    .filter((charge) => inScope(scope, charge.featureKey === null ? [] : [charge.featureKey]))
    .toSorted((a, b) => begins(a) - begins(b) || a.version - b.version);
  if (charges.length === 0) return 0n;
  const sources = creditAt(facts, at)
    .filter((grant) => grant.currency === currency && inScope(scope, grant.featureKeys))
    .map((grant) => ({
      featureKeys: grant.featureKeys,
      left: grant.amount - takenBy(facts, grant.id, at, 'SOURCE', 'COVER', 'ADJUST', 'FORFEIT', 'RETURN'),
    }));
  let weight = 0n;
  for (const charge of charges.filter(({ mode }) => mode !== 'CREDIT_ONLY')) {
    let wanted = outstandingAt(facts, charge.id, at);
    for (const source of sources) {
      if (!mayPay(source.featureKeys, charge.featureKey)) continue;
      const taken = minAmount(wanted, source.left);
      source.left -= taken;
      wanted -= taken;
      weight += taken;
    }
  }
  for (const charge of charges.filter(({ mode }) => mode === 'CREDIT_ONLY')) {
    weight += outstandingAt(facts, charge.id, at);
  }
  return weight;
}
