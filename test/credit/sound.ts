import assert from 'node:assert/strict';
import type { Amount } from '../../src/amount.ts';
import type { Instant } from '../../src/instant.ts';
import type { Leg, Posting } from '../../src/ledger/posting.ts';
import { mayPay } from '../../src/scope.ts';
import { latest, type Journal } from './journal.ts';

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
  sweep(journal);
}

/** The same of postings in order of time: each instant is looked at once all of it has been booked. */
function sweep(journal: Journal): void {
  const book = { held: new Map<string, Amount>(), owed: new Map<string, Amount>() };
  const postings = journal.flatMap((entry) => entry.postings);
  const sums = new Map<string, Amount>();
  for (const [at, legs] of byInstant(postings)) {
    for (const leg of legs) bookLeg(book, leg);
    for (const [grant, held] of book.held) assert.ok(held >= 0n, `${grant} holds ${held} at ${at}`);
    for (const [charge, owed] of book.owed)
      assert.ok(owed >= 0n, `${charge} is covered by ${-owed} too much at ${at}`);
    for (const [currency, total] of totals(legs)) sums.set(currency, (sums.get(currency) ?? 0n) + total);
    assert.ok(
      [...sums.values()].every((total) => total === 0n),
      `the book is unbalanced at ${at}`,
    );
    noneIdle(book, journal, at);
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

/** "At any instant from its recording on" (domain.md §7): once both the debt and the credit had been recorded. */
function noneIdle({ held, owed }: Swept, journal: Journal, at: Instant): void {
  const debts = [...owed].filter(([, debt]) => debt > 0n);
  const idle = [...held].filter(([, credit]) => credit > 0n);
  if (debts.length === 0 || idle.length === 0) return;
  const { charges, grants } = latest(journal);
  const recorded = recordings(journal);
  for (const { id, currency, featureKey } of debts.map(([chargeId]) => charges.get(chargeId)!)) {
    for (const grant of idle.map(([grantId]) => grants.get(grantId)!)) {
      if (recorded.get(id)! > at || recorded.get(grant.id)! > at || grant.currency !== currency) continue;
      assert.ok(
        !mayPay(grant.featureKeys, featureKey),
        `${grant.id} idles beside the advance of ${id} at ${at}`,
      );
    }
  }
}

/** When the last advance of each charge and the credit of each grant were recorded. */
function recordings(journal: Journal): ReadonlyMap<string, Instant> {
  const recorded = new Map<string, Instant>();
  for (const { postings, recordedAt } of journal) {
    for (const { kind, legs } of postings) {
      const advance = legs.find((leg) => leg.account.costBasis === null);
      if (kind === 'CONSUME' && advance !== undefined) recorded.set(advance.chargeId!, recordedAt);
      const issued = kind === 'ISSUE' || kind === 'ADJUST' ? legs[0]!.grantId! : null;
      if (issued !== null && !recorded.has(issued)) recorded.set(issued, recordedAt);
    }
  }
  return recorded;
}

function byInstant(postings: readonly Posting[]): readonly (readonly [Instant, readonly Leg[]])[] {
  const instants = [...new Set(postings.map((posting) => posting.bookedAt))].toSorted((a, b) => a - b);
  return instants.map((at) => [at, postings.filter((p) => p.bookedAt === at).flatMap((p) => p.legs)]);
}

function totals(legs: readonly Leg[]): ReadonlyMap<string, Amount> {
  const sums = new Map<string, Amount>();
  for (const { account, amount } of legs)
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + amount);
  return sums;
}
