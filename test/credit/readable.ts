import { formatAmount, type Amount } from '../../src/amount.ts';
import { settled } from '../../src/credit/balance.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import type { Grant } from '../../src/credit/grant.ts';
import { formatInstant } from '../../src/instant.ts';
import type { Leg, Posting } from '../../src/ledger/posting.ts';
import { isRefusal, type Refusal } from '../../src/refusal.ts';
import { ALL } from '../../src/scope.ts';

/** Outcomes in words and figures, so that what a test expects reads like a statement. */

/** `2026-01-05 ISSUE`: what was booked and when, in order. */
export const bookings = (postings: readonly Posting[]): readonly string[] =>
  postings.map(({ kind, bookedAt }) => `${formatInstant(bookedAt).slice(0, 10)} ${kind}`);

/** `CUSTOMER_RECEIVABLE OPEN unknown -10`: the legs of a posting; `unknown` is the cost basis of an advance. */
export const legsOf = ({ legs }: Posting): readonly string[] => legs.map(legOf);

function legOf({ account, amount }: Leg): string {
  const { type, stage, costBasis } = account;
  return [type, stage, costBasis === null ? 'unknown' : null, signed(amount)]
    .filter((part) => part !== null)
    .join(' ');
}

const signed = (amount: Amount): string => (amount > 0n ? '+' : '') + formatAmount(amount);

/** What became of a grant, the parts that are zero left out: `{ consumed: '30', remaining: '70' }`. */
export function became(state: BookState, grantId: string): Readonly<Record<string, string>> {
  const grant: Grant = state.grants.get(grantId)!;
  const { remaining, consumed, expired, voided } = grant;
  const parts = Object.entries({ remaining, consumed, expired, voided }).filter(
    ([, amount]) => amount !== 0n,
  );
  return Object.fromEntries(parts.map(([name, amount]) => [name, formatAmount(amount)]));
}

export const settledUsd = (state: BookState): string => formatAmount(settled(state, 'USD', ALL));

/** What taken slices were, as `g1 10`. */
export const slices = (
  of: readonly { readonly grantId: string; readonly amount: Amount }[],
): readonly string[] => of.map(({ grantId, amount }) => `${grantId} ${formatAmount(amount)}`);

/** The refusal a decision ends in, its metadata whatever it is. */
export function refusalOf(
  decision: () => unknown,
): Omit<Refusal, 'metadata'> & { readonly metadata: Readonly<Record<string, string>> } {
  try {
    decision();
  } catch (error) {
    if (isRefusal(error)) return error.refusal;
    throw error;
  }
  throw new Error('was not refused');
}
