import { minAmount, sumAmounts, type Amount } from '../../../src/amount.ts';
import type { RecognizeRevenue } from '../../../src/credit/commands/recognize-revenue.ts';
import type { Instant } from '../../../src/instant.ts';
import { insufficient } from './collecting.ts';
import { grantFact, plus, sumOf, type Facts } from './facts.ts';
import { refused, type Decided, type Refused } from './outcome.ts';

/** What consumed credit has become: revenue, oldest first; what only an advance backs does not (domain.md §5). */
export function recognize(
  facts: Facts,
  command: RecognizeRevenue,
  version: number,
  now: Instant,
): Decided | Refused {
  const { currency, amount, bookedAt } = command;
  const at = bookedAt ?? now;
  if (at > now) return refused('INVALID_FIELD', { field: 'booked_at' });
  const places = [...facts.takes.keys()]
    .filter((place) => {
      const take = facts.takes[place]!;
      const isOfCharge = take.why === 'SOURCE' || take.why === 'COVER';
      return isOfCharge && take.at <= at && grantFact(facts, take.grantId)!.currency === currency;
    })
    .toSorted((a, b) => facts.takes[a]!.at - facts.takes[b]!.at || a - b);
  const there = sumAmounts(places.map((place) => accruedOf(facts, place)));
  if (amount !== null && amount > there) return insufficient({ currency, featureKey: null }, amount, there);

  let known = facts;
  let wanted = amount ?? there;
  for (const place of places) {
    const part = minAmount(wanted, accruedOf(facts, place));
    if (part > 0n) known = plus(known, 'recognitions', { version, of: place, amount: part });
    wanted -= part;
  }
  return { facts: known, recognized: amount ?? there };
}

/** What has been recognized of a take, less what corrections took back. */
export const recognizedOf = (facts: Facts, place: number): Amount =>
  sumOf(facts.recognitions.filter((fact) => fact.of === place));

/** What is neither given back nor recognized. */
const accruedOf = (facts: Facts, place: number): Amount =>
  facts.takes[place]!.amount +
  sumOf(facts.takes.filter((back) => back.of === place)) -
  recognizedOf(facts, place);
