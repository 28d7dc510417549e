import type { Amount } from '../../amount.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import { adjustUp as adjustment } from '../../ledger/posting-rules.ts';
import { book, grantOf, putGrant } from '../book-state.ts';
import { coverWith } from '../cover.ts';
import { creditOf, DEFAULT_PRIORITY, PROMOTIONAL, UNTOUCHED, type Details, type Grant } from '../grant.ts';
import { grantAnswer, itsCurrency, nothing, type CommandSpec } from '../spec.ts';

/** Gives credit: a promotional grant of its own, never expiring, that covers advances like any other. */
export type AdjustUp = {
  readonly kind: 'adjustUp';
  readonly grantId: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly featureKeys: readonly string[];
  /** Its description says why. */
  readonly details: Details;
};

export const adjustUp = {
  method: 'CreateAdjustment',
  cause: 'ADJUSTED',
  needs: nothing,
  opens: 'grants',
  brings: itsCurrency,
  decide(work, command, now) {
    const { grantId: id, currency, amount, featureKeys, details } = command;
    const grant: Grant = {
      ...UNTOUCHED,
      id,
      currency,
      amount,
      priority: DEFAULT_PRIORITY,
      featureKeys,
      tax: null,
      funding: PROMOTIONAL,
      details,
      effectiveAt: now,
      expiresAt: NEVER,
      recordedAt: now,
      phase: 'CREDIT',
      fundedAt: ALWAYS,
      bookedAt: now,
      remaining: amount,
    };
    book(work, adjustment(creditOf(grant), amount, now, details.description));
    putGrant(work, grant);
    coverWith(work, id, now);
    return grantAnswer(grantOf(work, id));
  },
} satisfies CommandSpec<AdjustUp>;
