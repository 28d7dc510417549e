import { formatAmount, minAmount, sumAmounts, type Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { consume, type Source } from '../ledger/posting-rules.ts';
import { refuse } from '../refusal.ts';
import { mayPay } from '../scope.ts';
import { book, entryAfter, keep, putAdvance, type BookState, type Work } from './book-state.ts';
import { advanceKey, usageOf, type Charge, type Collection, type EntryRef, type Slices } from './charge.ts';
import { coverLate } from './cover.ts';
import { creditOf, type Grant } from './grant.ts';
import { inBurnOrder } from './pools.ts';
import { takeFrom, untakenFrom } from './take.ts';

/**
 * Collects an amount for a charge at an instant ≤ now: greedily from eligible credit in burn order; a shortfall is
 * advanced, handed back for invoicing or refused with INSUFFICIENT_CREDIT, as the charge's mode says (domain.md §6).
 * Answers the charge as it then is; to put it into the book is the caller's.
 */
export function collect(
  work: Work,
  charge: Charge,
  amount: Amount,
  at: Instant,
): { readonly charge: Charge; readonly collection: Collection } {
  const number = charge.collections + 1;
  const taken = plan(work, charge, amount, at);
  const shortfall = amount - sumAmounts(taken.map((slice) => slice.amount));
  if (shortfall > 0n && charge.mode === 'PREPAID_ONLY') insufficient(charge, amount, amount - shortfall);
  const advanced = charge.mode === 'CREDIT_ONLY' ? shortfall : 0n;
  const invoiced = shortfall - advanced;

  const sources = takeAll(work, taken, at);
  const allocations = slicesOf(sources);
  if (sources.length > 0 || advanced > 0n) {
    const entry = book(work, consume(usageOf(charge.id, charge), sources, advanced, at));
    // Two entries a source, in order; those of the advance come last (src/ledger/posting-rules.ts).
    for (const [i, slice] of allocations.entries()) {
      const ref = entryAfter(entry, 2 * i);
      keep(work, { ref, chargeId: charge.id, collection: number, kind: 'SOURCE', ...slice, at });
    }
    if (advanced > 0n) {
      advanceFor(work, charge, number, advanced, at, entryAfter(entry, 2 * allocations.length));
    }
  }
  return {
    charge: {
      ...charge,
      collections: number,
      collected: charge.collected + amount,
      advanced: charge.advanced + advanced,
      invoiced: charge.invoiced + invoiced,
    },
    collection: { allocations, advanced, invoiced },
  };
}

type Slice = { readonly grant: Grant; readonly amount: Amount };

/** What each eligible grant would give, in burn order; nothing is taken yet. */
export function plan(
  work: Pick<BookState, 'grants' | 'historyFrom'>,
  charge: Pick<Charge, 'currency' | 'featureKey'>,
  amount: Amount,
  at: Instant,
): readonly Slice[] {
  if (at < work.historyFrom) throw new Error('invariant: the history needed to book this late is not loaded');
  return planFrom(inBurnOrder(work.grants, charge, at), charge, amount, at);
}

/** The same of grants that come in burn order; of those it does not need none is asked for. */
export function planFrom(
  grants: Iterable<Grant>,
  charge: Pick<Charge, 'currency' | 'featureKey'>,
  amount: Amount,
  at: Instant,
): readonly Slice[] {
  const slices: Slice[] = [];
  let wanted = amount;
  for (const grant of grants) {
    if (wanted === 0n) break;
    if (!isEligible(grant, charge, at)) continue;
    const slice = minAmount(wanted, untakenFrom(grant, at));
    if (slice > 0n) slices.push({ grant, amount: slice });
    wanted -= slice;
  }
  return slices;
}

/** Booked at or before the instant, not expired at it, same currency, and free to pay for the charge's feature. */
const isEligible = (grant: Grant, charge: Pick<Charge, 'currency' | 'featureKey'>, at: Instant): boolean =>
  grant.bookedAt !== null &&
  grant.bookedAt <= at &&
  at < grant.expiresAt &&
  grant.currency === charge.currency &&
  mayPay(grant.featureKeys, charge.featureKey);

/** Takes what was planned. */
export const takeAll = (work: Work, planned: readonly Slice[], at: Instant): readonly Source[] =>
  planned.map(({ grant, amount }) => ({ credit: creditOf(takeFrom(work, grant.id, amount, at)), amount }));

/** What was taken, as callers are told. */
export const slicesOf = (sources: readonly Source[]): Slices =>
  sources.map(({ credit: { grantId }, amount }) => ({ grantId, amount }));

function advanceFor(
  work: Work,
  charge: Charge,
  collection: number,
  amount: Amount,
  at: Instant,
  entry: EntryRef,
): void {
  const { id: chargeId, currency, featureKey, tax } = charge;
  const advance = { chargeId, collection, currency, featureKey, tax, amount, uncovered: amount, at };
  putAdvance(work, { ...advance, entry });
  coverLate(work, advanceKey(advance));
}

export function insufficient(
  charge: Pick<Charge, 'currency' | 'featureKey'>,
  requested: Amount,
  eligible: Amount,
): never {
  const feature = charge.featureKey === null ? 'without a feature key' : `for feature "${charge.featureKey}"`;
  return refuse(
    'INSUFFICIENT_CREDIT',
    `${formatAmount(requested)} ${charge.currency} was requested ${feature}, ${formatAmount(eligible)} is eligible`,
    {
      requested: formatAmount(requested),
      eligible: formatAmount(eligible),
      currency: charge.currency,
      feature_key: charge.featureKey ?? '',
    },
  );
}
