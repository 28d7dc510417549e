import { formatAmount, minAmount, sumAmounts, type Amount } from '../../amount.ts';
import type { Instant } from '../../instant.ts';
import {
  correct,
  expire,
  returnAdvance,
  returnCover,
  returnSource,
  voidCredit,
} from '../../ledger/posting-rules.ts';
import type { Leg } from '../../ledger/posting.ts';
import { refuse } from '../../refusal.ts';
import { book, grantOf, putAdvance, putAllocation, putCharge, putGrant, type Work } from '../book-state.ts';
import { burnOrder } from '../burn-order.ts';
import {
  advanceKey,
  usageOf,
  type Allocation,
  type Charge,
  type Correction,
  type Slices,
} from '../charge.ts';
import { coverWith } from '../cover.ts';
import { creditOf, grantStatus, type Grant } from '../grant.ts';
import { checkPrecision } from '../precision.ts';
import { chargeAnswer, namedCharge, noCurrency, type CommandSpec } from '../spec.ts';

export type CorrectCharge = {
  readonly kind: 'correctCharge';
  readonly chargeId: string;
  readonly amount: Amount;
};

export const correctCharge = {
  method: 'CorrectCharge',
  cause: 'CHARGE_CORRECTED',
  needs: ({ chargeId }) => ({ charges: [chargeId], allocationsOf: [chargeId] }),
  brings: noCurrency,
  decide(work, { chargeId, amount }, now) {
    const correction = correctBy(work, namedCharge(work, chargeId), amount, now);
    return { ...chargeAnswer(namedCharge(work, chargeId)), correction };
  },
} satisfies CommandSpec<CorrectCharge>;

/**
 * Gives back `amount` of what a charge has collected, at now. Last taken is first returned: collections in reverse, in
 * each the uncovered advance, then its coverings in reverse, then its sources in reverse (domain.md §8). Credit that
 * comes back covers open advances at once; in a grant that has expired or been voided it is forfeited at once.
 */
function correctBy(work: Work, charge: Charge, amount: Amount, now: Instant): Correction {
  checkPrecision(charge, amount);
  const correctable = charge.collected - charge.invoiced;
  if (amount > correctable) return tooLarge(charge, amount, correctable);
  const returned = giveBack(work, charge, amount, now);
  const legs = returned.flatMap((part) => part.legs);
  book(work, correct(legs, now));
  const allocations = returned.map(({ slice }) => slice).filter((slice) => slice !== null);
  for (const slice of allocations) restore(work, slice.grantId, slice.amount, now);
  putCharge(work, {
    ...charge,
    collected: charge.collected - amount,
    advanced: charge.advanced - sumAmounts(returned.map(({ fromAdvance }) => fromAdvance)),
  });
  coverFreed(work, new Set(allocations.map(({ grantId }) => grantId)), now);
  const reduced = returned.filter(({ slice }) => slice === null).map(({ fromAdvance }) => fromAdvance);
  return { allocations, advanceReduced: sumAmounts(reduced) };
}

/** Part of what comes back: a slice of a grant, or of an advance that nothing has covered. */
type Returned = {
  readonly legs: readonly Leg[];
  readonly slice: Slices[number] | null;
  /** How much of it had been an advance, covered since or not. */
  readonly fromAdvance: Amount;
};

/** Takes what comes back off advances, allocations and revenue, and says what it was; credit is left to the caller. */
function giveBack(work: Work, charge: Charge, amount: Amount, now: Instant): readonly Returned[] {
  const returned: Returned[] = [];
  let wanted = amount;
  for (let collection = charge.collections; collection > 0 && wanted > 0n; collection -= 1) {
    const reduced = reduceAdvance(work, charge, collection, wanted, now);
    if (reduced !== null) {
      returned.push(reduced);
      wanted -= reduced.fromAdvance;
    }
    for (const allocation of lastTakenFirst(work, charge.id, collection)) {
      const slice = minAmount(wanted, allocation.amount - allocation.returned);
      if (slice === 0n) continue;
      returned.push(returnSlice(work, charge, allocation, slice));
      wanted -= slice;
    }
  }
  if (wanted > 0n)
    throw new Error(`invariant: ${charge.id} collected more than its allocations and advances say`);
  return returned;
}

function reduceAdvance(
  work: Work,
  { id: chargeId, ...charge }: Charge,
  collection: number,
  wanted: Amount,
  now: Instant,
): Returned | null {
  const key = advanceKey({ chargeId, collection });
  const advance = work.advances.get(key);
  if (advance === undefined || advance.uncovered === 0n) return null;
  const amount = minAmount(wanted, advance.uncovered);
  putAdvance(work, { ...advance, uncovered: advance.uncovered - amount });
  const number = work.reductions.length + 1;
  work.reductions.push({ version: work.version, number, chargeId, collection, amount, at: now });
  const legs = returnAdvance(usageOf(chargeId, charge), { amount, entry: advance.entry });
  return { legs, slice: null, fromAdvance: amount };
}

/** Coverings came after the sources, so reverse order of happening is the order of the law. */
const lastTakenFirst = (work: Work, chargeId: string, collection: number): readonly Allocation[] =>
  work.allocations
    .values()
    .filter((a) => a.chargeId === chargeId && a.collection === collection && a.returned < a.amount)
    .toSorted(
      (a, b) =>
        Number(b.kind === 'COVER') - Number(a.kind === 'COVER') ||
        b.ref.version - a.ref.version ||
        b.ref.position - a.ref.position,
    );

function returnSlice(work: Work, charge: Charge, allocation: Allocation, amount: Amount): Returned {
  const recognized = minAmount(amount, allocation.recognized);
  putAllocation(work, {
    ...allocation,
    returned: allocation.returned + amount,
    recognized: allocation.recognized - recognized,
  });
  const { grantId, kind, ref: entry } = allocation;
  const back = kind === 'COVER' ? returnCover : returnSource;
  const grant = grantOf(work, grantId);
  if (recognized > 0n) putGrant(work, { ...grant, recognized: grant.recognized - recognized });
  const credit = creditOf(grant);
  return {
    legs: back(usageOf(charge.id, charge), credit, { amount, recognized, entry }),
    slice: { grantId, amount },
    fromAdvance: kind === 'COVER' ? amount : 0n,
  };
}

/** Credit comes back to its grant: to be used again, or forfeited in the same instant. */
function restore(work: Work, grantId: string, amount: Amount, now: Instant): void {
  const grant = grantOf(work, grantId);
  const consumed = grant.consumed - amount;
  const back = { at: now, delta: amount };
  const put = (changed: Partial<Grant>) => putGrant(work, { ...grant, consumed, ...changed });
  const status = grantStatus(grant, now);
  if (status === 'VOIDED') {
    book(work, voidCredit(creditOf(grant), amount, grant.released, now));
    put({ voided: grant.voided + amount, moves: [...grant.moves, back, { at: now, delta: -amount }] });
  } else if (status === 'EXPIRED') {
    book(work, expire(creditOf(grant), amount, now));
    put({ phase: 'EXPIRED', expired: grant.expired + amount, moves: [...grant.moves, back] });
  } else {
    put({ remaining: grant.remaining + amount, moves: [...grant.moves, back] });
  }
}

/** All is given back first, then what was freed covers in burn order (domain.md §14). */
function coverFreed(work: Work, grantIds: ReadonlySet<string>, now: Instant): void {
  const freed = [...grantIds].map((id) => grantOf(work, id)).filter((grant) => grant.remaining > 0n);
  for (const grant of freed.toSorted(burnOrder)) coverWith(work, grant.id, now);
}

const tooLarge = (charge: Charge, asked: Amount, correctable: Amount): never =>
  refuse(
    'CORRECTION_TOO_LARGE',
    `${formatAmount(asked)} cannot be given back: credit and advances of charge ${charge.id} come to ${formatAmount(correctable)}`,
    { id: charge.id, state: formatAmount(correctable) },
  );
