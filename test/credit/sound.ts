import assert from 'node:assert/strict';
import type { Amount } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import type { Instant } from '../../src/instant.ts';
import type { Leg, Posting } from '../../src/ledger/posting.ts';
import { mayPay } from '../../src/scope.ts';
import type { Journal } from './journal.ts';

/**
 * What must hold in a journal whatever the model says: every posting and the book at every instant sum to zero
 * (law 1), nothing is booked after now, no grant is overdrawn and no advance overcovered at any past instant, and no
 * advance is left uncovered while credit it could use lies idle.
 */
export function sound(journal: Journal): void {
  for (const { postings, recordedAt } of journal) {
    for (const posting of postings) {
      assert.ok(posting.bookedAt <= recordedAt, `${posting.kind} is booked after now`);
      assert.ok(
        [...totals(posting.legs).values()].every((total) => total === 0n),
        `${posting.kind} is unbalanced`,
      );
    }
  }
  const last = journal.at(-1);
  if (last !== undefined)
    sweep(
      journal.flatMap((entry) => entry.postings),
      last.state,
    );
}

/** The same of postings in order of time: each instant is looked at once all of it has been booked. */
function sweep(postings: readonly Posting[], state: BookState): void {
  const book = { held: new Map<string, Amount>(), owed: new Map<string, Amount>() };
  for (const [at, legs] of byInstant(postings)) {
    for (const leg of legs) bookLeg(book, leg);
    for (const [grant, held] of book.held) assert.ok(held >= 0n, `${grant} holds ${held} at ${at}`);
    for (const [charge, owed] of book.owed)
      assert.ok(owed >= 0n, `${charge} is covered by ${-owed} too much at ${at}`);
    const inBook = totals(postings.filter((p) => p.bookedAt <= at).flatMap((p) => p.legs));
    assert.ok(
      [...inBook.values()].every((total) => total === 0n),
      `the book is unbalanced at ${at}`,
    );
    noneIdle(book, state, at);
  }
}

/** What each grant holds, and what no grant has covered of each charge's advance. */
type Swept = { readonly held: Map<string, Amount>; readonly owed: Map<string, Amount> };

function bookLeg({ held, owed }: Swept, { account, amount, grantId, chargeId }: Leg): void {
  if (account.type === 'CUSTOMER_FBO') held.set(grantId!, (held.get(grantId!) ?? 0n) + amount);
  if (account.type === 'CUSTOMER_RECEIVABLE' && account.costBasis === null) {
    owed.set(chargeId!, (owed.get(chargeId!) ?? 0n) - amount);
  }
}

/** "At any instant from its recording on" (domain.md §7): once both the debt and the credit were known. */
function noneIdle({ held, owed }: Swept, state: BookState, at: Instant): void {
  for (const [chargeId, debt] of owed) {
    const charge = state.charges.get(chargeId)!;
    if (debt === 0n || charge.recordedAt > at) continue;
    for (const [grantId, credit] of held) {
      const { currency, featureKeys, recordedAt } = state.grants.get(grantId)!;
      if (credit === 0n || recordedAt > at || currency !== charge.currency) continue;
      assert.ok(
        !mayPay(featureKeys, charge.featureKey),
        `${grantId} idles beside the advance of ${chargeId} at ${at}`,
      );
    }
  }
}

function byInstant(postings: readonly Posting[]): readonly (readonly [Instant, readonly Leg[]])[] {
  const instants = [...new Set(postings.map((posting) => posting.bookedAt))].sort((a, b) => a - b);
  return instants.map((at) => [at, postings.filter((p) => p.bookedAt === at).flatMap((p) => p.legs)]);
}

function totals(legs: readonly Leg[]): ReadonlyMap<string, Amount> {
  const sums = new Map<string, Amount>();
  for (const { account, amount } of legs)
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + amount);
  return sums;
}
