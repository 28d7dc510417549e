import type { Instant } from '../instant.ts';
import { paymentAuthorized, paymentSettled } from '../ledger/posting-rules.ts';
import type { Posting } from '../ledger/posting.ts';
import { creditOf, REACHED, type Funding, type Grant, type SettlementStatus } from './grant.ts';

/** A step of a payment. */
export type SettlementEvent = {
  readonly status: SettlementStatus;
  readonly occurredAt: Instant;
  readonly invoiceId: string | null;
};

/** A later step implies the skipped ones, at its own instant. */
export function fundingAfter(funding: Funding, { status, occurredAt, invoiceId }: SettlementEvent): Funding {
  const reached = REACHED[status];
  const since = (step: SettlementStatus, at: Instant | null) =>
    reached >= REACHED[step] ? (at ?? occurredAt) : at;
  return {
    ...funding,
    status,
    issuedAt: funding.method === 'INVOICE' ? since('ISSUED', funding.issuedAt) : null,
    authorizedAt: since('AUTHORIZED', funding.authorizedAt),
    settledAt: since('SETTLED', funding.settledAt),
    invoiceId: invoiceId ?? funding.invoiceId,
  };
}

/** The money that moves between two states of the payment for a grant, each step at its instant. */
export function paymentPostings(grant: Grant, before: Funding, after: Funding): readonly Posting[] {
  const payment = {
    credit: creditOf(grant),
    amount: grant.amount,
    money: after.purchaseAmount,
    currency: after.purchaseCurrency!,
  };
  const postings: Posting[] = [];
  if (before.authorizedAt === null && after.authorizedAt !== null)
    postings.push(paymentAuthorized(payment, after.authorizedAt));
  if (before.settledAt === null && after.settledAt !== null)
    postings.push(paymentSettled(payment, after.settledAt));
  return postings.filter(({ legs }) => legs.length > 0);
}
