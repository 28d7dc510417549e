import { minAmount, type Amount } from '../../../src/amount.ts';
import type { CorrectCharge } from '../../../src/credit/commands/correct-charge.ts';
import type { Instant } from '../../../src/instant.ts';
import { collectedAt, invoicedOf } from './charges.ts';
import { collectionsOf } from './collecting.ts';
import { chargeFact, plus, sumOf, type Facts, type Take } from './facts.ts';
import { uncovered, voidedAt } from './grants.ts';
import { recognizedOf } from './recognizing.ts';
import { refused, type Decided, type Refused } from './outcome.ts';

/**
 * Last taken is first returned (domain.md §8): collections in reverse; in each the uncovered advance, then its
 * coverings in reverse order of covering, then its sources in reverse of the order they were taken.
 */
export function correct(
  facts: Facts,
  command: CorrectCharge,
  version: number,
  now: Instant,
): Decided | Refused {
  const { chargeId, amount } = command;
  if (chargeFact(facts, chargeId) === undefined) return refused('CHARGE_NOT_FOUND', { id: chargeId });
  const most = collectedAt(facts, chargeId, Infinity) - invoicedOf(facts, chargeId);
  if (amount > most) return refused('CORRECTION_TOO_LARGE', { id: chargeId });

  let known = plus(facts, 'collected', {
    version,
    chargeId,
    collection: null,
    at: now,
    amount: -amount,
    invoiced: 0n,
  });
  let wanted = amount;
  let advanceReduced = 0n;
  const allocations: { grantId: string; amount: Amount }[] = [];
  for (let collection = collectionsOf(facts, chargeId); collection > 0; collection -= 1) {
    const owed = owedOf(known, chargeId, collection);
    const reduced = minAmount(wanted, owed);
    if (reduced > 0n) {
      known = plus(known, 'reductions', { version, chargeId, collection, at: now, amount: reduced });
      advanceReduced += reduced;
      wanted -= reduced;
    }
    for (const place of lastTakenFirst(facts, chargeId, collection)) {
      const take = facts.takes[place]!;
      const slice = minAmount(wanted, take.amount + sumOf(known.takes.filter((back) => back.of === place)));
      if (slice === 0n) continue;
      known = giveBack(known, take, place, slice, version, now);
      allocations.push({ grantId: take.grantId, amount: slice });
      wanted -= slice;
    }
  }
  return { facts: known, corrected: { allocations, advanceReduced } };
}

function owedOf(facts: Facts, chargeId: string, collection: number): Amount {
  const advance = facts.advances.find((fact) => fact.chargeId === chargeId && fact.collection === collection);
  return advance === undefined ? 0n : uncovered(facts, advance, Infinity);
}

/** The places of a collection's coverings, last first, and then of its sources, last first. */
function lastTakenFirst(facts: Facts, chargeId: string, collection: number): readonly number[] {
  const placesOf = (why: Take['why']): readonly number[] =>
    [...facts.takes.keys()].filter((place) => {
      const take = facts.takes[place]!;
      return take.why === why && take.chargeId === chargeId && take.collection === collection;
    });
  return [...placesOf('COVER').toReversed(), ...placesOf('SOURCE').toReversed()];
}

/**
 * Credit comes back now; what comes back to a voided grant is forfeited in the same instant. What had been
 * recognized of it is taken back first. */
function giveBack(
  facts: Facts,
  take: Take,
  place: number,
  amount: Amount,
  version: number,
  now: Instant,
): Facts {
  const { grantId, chargeId, collection } = take;
  const at = now;
  const back: Take = {
    version,
    why: 'RETURN',
    grantId,
    chargeId,
    collection,
    at,
    amount: -amount,
    of: place,
  };
  const revenue = minAmount(amount, recognizedOf(facts, place));
  const unearned = plus(facts, 'recognitions', { version, of: place, amount: -revenue });
  const known = plus(unearned, 'takes', back);
  if (voidedAt(facts, grantId) > now) return known;
  return plus(known, 'takes', { ...back, why: 'FORFEIT', chargeId: null, amount, of: null });
}
