import { formatAmount, minAmount, shareOf, sumAmounts, type Amount } from '../../amount.ts';
import type { Instant } from '../../instant.ts';
import { recognize } from '../../ledger/posting-rules.ts';
import { refuse } from '../../refusal.ts';
import { book, grantOf, putAllocation, putGrant, type Work } from '../book-state.ts';
import { usageOf, type Allocation } from '../charge.ts';
import { creditOf, type Grant } from '../grant.ts';
import { happenedAt, noCurrency, type CommandSpec } from '../spec.ts';

export type RecognizeRevenue = {
  readonly kind: 'recognizeRevenue';
  readonly currency: string;
  /** Null: all there is. */
  readonly amount: Amount | null;
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

export const recognizeRevenue = {
  method: 'RecognizeRevenue',
  cause: null,
  needs: () => ({ accrued: true }),
  // Revenue can only be recognized of what is there.
  brings: noCurrency,
  decide: (work, command, now, leeway) => ({
    currency: command.currency,
    recognition: recognizeBy(work, command, happenedAt(command.bookedAt, now, leeway)),
  }),
} satisfies CommandSpec<RecognizeRevenue>;

/** Units of credit recognized, and what was paid for them. */
export type Recognition = {
  readonly units: Amount;
  /** By purchase currency, and rounded to it; nothing for promotional credit. */
  readonly money: ReadonlyMap<string, Amount>;
};

/**
 * Moves accrued value that credit backs to earnings, oldest first: all that was consumed by the instant and is not
 * recognized yet, or `amount` of it (INSUFFICIENT_CREDIT if there is less). What only an advance backs stays accrued.
 */
function recognizeBy(work: Work, command: RecognizeRevenue, at: Instant): Recognition {
  const accrued = work.allocations
    .values()
    .filter((slice) => slice.at <= at && left(slice) > 0n && currencyOf(work, slice) === command.currency)
    .toSorted((a, b) => a.at - b.at || a.ref.version - b.ref.version || a.ref.position - b.ref.position);
  const there = sumAmounts(accrued.map(left));
  if (command.amount !== null && command.amount > there)
    return insufficient(command.amount, there, command.currency);

  const slices: { allocation: Allocation; amount: Amount }[] = [];
  let wanted = command.amount ?? there;
  for (const allocation of accrued) {
    const amount = minAmount(wanted, left(allocation));
    if (amount === 0n) break;
    slices.push({ allocation, amount });
    wanted -= amount;
  }
  return move(work, slices, at);
}

const left = (slice: Allocation): Amount => slice.amount - slice.returned - slice.recognized;

const currencyOf = (work: Work, slice: Allocation): string => grantOf(work, slice.grantId).currency;

function move(
  work: Work,
  slices: readonly { readonly allocation: Allocation; readonly amount: Amount }[],
  at: Instant,
): Recognition {
  const money = new Map<string, Amount>();
  const legs = slices.map(({ allocation, amount }) => {
    const grant = grantOf(work, allocation.grantId);
    const charge = work.charges.get(allocation.chargeId)!;
    const recognized = allocation.recognized + amount;
    putAllocation(work, { ...allocation, recognized });
    const after: Grant = { ...grant, recognized: grant.recognized + amount };
    putGrant(work, after);
    const { purchaseCurrency: paidIn } = grant.funding;
    if (paidIn !== null) money.set(paidIn, (money.get(paidIn) ?? 0n) + paidFor(after) - paidFor(grant));
    return { usage: usageOf(charge.id, charge), credit: creditOf(grant), amount };
  });
  if (legs.length > 0) book(work, recognize(legs, at));
  return { units: sumAmounts(slices.map(({ amount }) => amount)), money };
}

/**
 * What was paid for the units recognized so far: their share of the purchase amount, rounded as a whole. So what steps
 * recognize adds up to it, and a grant recognized to its last unit has recognized just what was paid (domain.md §5).
 */
const paidFor = ({ funding, recognized, amount }: Grant): Amount =>
  shareOf(funding.purchaseAmount, recognized, amount, funding.purchasePrecision);

const insufficient = (requested: Amount, eligible: Amount, currency: string): never =>
  refuse(
    'INSUFFICIENT_CREDIT',
    `${formatAmount(requested)} ${currency} was to be recognized, ${formatAmount(eligible)} is accrued`,
    { requested: formatAmount(requested), eligible: formatAmount(eligible), currency, feature_key: '' },
  );
