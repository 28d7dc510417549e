import { sumAmounts, type Amount } from '../amount.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import { adjustDown as downPosting, adjustUp as upPosting } from '../ledger/posting-rules.ts';
import { book, type Work } from './book-state.ts';
import type { Slices } from './charge.ts';
import { insufficient, plan } from './collect.ts';
import type { AdjustDown, AdjustUp } from './command.ts';
import { coverWith } from './cover.ts';
import { creditOf, DEFAULT_PRIORITY, PROMOTIONAL, type Grant } from './grant.ts';
import { grantOf, takeFrom } from './take.ts';

/** Gives credit: a promotional grant of its own, never expiring, that covers advances like any other. Its description says why. */
export function adjustUp(work: Work, command: AdjustUp, now: Instant): Grant {
  const { grantId: id, currency, amount, featureKeys, details } = command;
  const grant: Grant = {
    ...{ id, currency, amount, featureKeys, details, priority: DEFAULT_PRIORITY, tax: null },
    funding: PROMOTIONAL,
    ...{ effectiveAt: now, expiresAt: NEVER, recordedAt: now, fundedAt: ALWAYS, bookedAt: now },
    ...{ phase: 'CREDIT', voidedAt: null, voidReason: null, released: false, remaining: amount },
    ...{ consumed: 0n, expired: 0n, voided: 0n, recognized: 0n, formerTimes: [], moves: [] },
  };
  book(work, upPosting(creditOf(grant), amount, now, details.description));
  work.grants.set(id, grant);
  coverWith(work, id, now);
  return grantOf(work, id);
}

/** Takes credit away in burn order; INSUFFICIENT_CREDIT if there is less. In a grant's identity it is consumed. */
export function adjustDown(work: Work, command: AdjustDown, now: Instant): Slices {
  const { currency, featureKey, amount, reason } = command;
  const slices = plan(work, { currency, featureKey }, amount, now);
  const eligible: Amount = sumAmounts(slices.map((slice) => slice.amount));
  if (eligible < amount) insufficient({ currency, featureKey }, amount, eligible);
  const sources = slices.map(({ grant, amount: slice }) => ({
    credit: creditOf(takeFrom(work, grant.id, slice, now)),
    amount: slice,
  }));
  book(work, downPosting(sources, now, reason));
  return sources.map(({ credit, amount: slice }) => ({ grantId: credit.grantId, amount: slice }));
}
