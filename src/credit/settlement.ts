import { formatInstant, type Instant } from '../instant.ts';
import { paymentAuthorized, paymentFailed, paymentSettled, type Payment } from '../ledger/payment-rules.ts';
import { expire, issue } from '../ledger/posting-rules.ts';
import { refuse, refuseFields } from '../refusal.ts';
import { advance } from './advance-to.ts';
import { book, type Work } from './book-state.ts';
import {
  bookingInstant,
  creditOf,
  isFunded,
  REACHED,
  type Funding,
  type Grant,
  type SettlementStatus,
} from './grant.ts';
import { grantOf } from './take.ts';

export type SettlementEvent = {
  readonly status: SettlementStatus;
  readonly occurredAt: Instant;
  readonly invoiceId: string | null;
};

/**
 * A step of a grant's payment, at the instant it occurred (≤ now). The first that meets the availability policy makes
 * the grant credit; FAILED before that calls it off. A repeat changes nothing. Refuses NOT_FUNDED for promotional
 * credit and SETTLEMENT_OUT_OF_ORDER for a step backward, out of time, or one that does not fit (domain.md §3, §14).
 */
export function settle(work: Work, grantId: string, event: SettlementEvent, now: Instant): Grant {
  const grant = grantOf(work, grantId);
  const { funding } = grant;
  if (funding.method === 'NONE') {
    return refuse('NOT_FUNDED', `grant ${grantId} is promotional: nobody pays for it`, {
      id: grantId,
      state: 'NONE',
    });
  }
  if (funding.status === event.status) return grant;
  checkOrder(grant, event, now);
  return event.status === 'FAILED' ? fail(work, grant, event) : progress(work, grant, event, now);
}

function checkOrder(grant: Grant, { status, occurredAt }: SettlementEvent, now: Instant): void {
  const { funding } = grant;
  const outOfOrder = (why: string): never =>
    refuse('SETTLEMENT_OUT_OF_ORDER', `grant ${grant.id}: ${status} ${why}`, {
      id: grant.id,
      state: funding.status ?? 'NONE',
    });
  if (occurredAt > now) {
    const message = `must not lie in the future (now is ${formatInstant(now)})`;
    refuseFields([{ field: 'occurred_at', rule: 'occurred_at.not_in_future', message }]);
  }
  if (status === 'ISSUED' && funding.method !== 'INVOICE')
    outOfOrder('is for credit paid through an invoice');
  if (funding.status === 'FAILED') outOfOrder('cannot follow FAILED');
  if (status === 'FAILED' && becameCredit(grant)) {
    outOfOrder('comes too late: it is credit already, void it instead');
  }
  if (status !== 'FAILED' && funding.status !== null && REACHED[status] < REACHED[funding.status]) {
    outOfOrder(`cannot follow ${funding.status}`);
  }
  const last = Math.max(
    ...[funding.issuedAt, funding.authorizedAt, funding.settledAt].map((at) => at ?? -Infinity),
  );
  if (occurredAt < last) outOfOrder(`occurred before the event recorded last (${formatInstant(last)})`);
  const earliest = Math.min(grant.recordedAt, grant.effectiveAt);
  if (occurredAt < earliest) outOfOrder(`occurred before the grant did (${formatInstant(earliest)})`);
}

/** Whether somebody could use it: not when it was voided since, nor when it was paid only after its own expiry. */
const becameCredit = ({ bookedAt, expiresAt, voidedAt }: Grant): boolean =>
  bookedAt !== null && bookedAt < expiresAt && voidedAt === null;

/** Books the money of every step up to the event's and, if the policy is met by it, the credit. */
function progress(work: Work, before: Grant, event: SettlementEvent, now: Instant): Grant {
  const funding = fundingAfter(before.funding, event);
  for (const posting of paymentPostings(before, before.funding, funding)) book(work, posting);
  const meetsPolicy = isFunded(funding) && !isFunded(before.funding);
  const grant = { ...before, funding, fundedAt: meetsPolicy ? event.occurredAt : before.fundedAt };
  work.grants.set(grant.id, grant);
  if (!meetsPolicy) return grant;
  if (grant.phase === 'LAPSED') revive(work, grant, event.occurredAt);
  advance(work, now);
  return grantOf(work, grant.id);
}

/** It reached its expiry unpaid. Paid in time after all, it was credit; paid later, it is issued and gone at once. */
function revive(work: Work, grant: Grant, paidAt: Instant): void {
  if (bookingInstant(grant) < grant.expiresAt) {
    work.grants.set(grant.id, { ...grant, phase: 'SCHEDULED', expired: 0n });
    return;
  }
  book(work, issue(creditOf(grant), grant.amount, false, paidAt));
  book(work, expire(creditOf(grant), grant.amount, paidAt));
  work.grants.set(grant.id, { ...grant, phase: 'EXPIRED', bookedAt: paidAt });
}

/** The payment legs booked so far are taken back; what was still a promise is called off as of the failure. */
function fail(work: Work, before: Grant, { occurredAt }: SettlementEvent): Grant {
  const none: Funding = { ...before.funding, issuedAt: null, authorizedAt: null, settledAt: null };
  const booked = paymentPostings(before, none, before.funding);
  if (booked.length > 0) book(work, paymentFailed(booked, occurredAt));
  const grant: Grant = { ...before, funding: { ...before.funding, status: 'FAILED', failedAt: occurredAt } };
  const called: Grant =
    before.phase === 'SCHEDULED'
      ? {
          ...grant,
          phase: 'CALLED_OFF',
          voidedAt: occurredAt,
          voidReason: 'payment failed',
          voided: grant.amount,
        }
      : grant;
  work.grants.set(grant.id, called);
  return called;
}

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

/** The money that moves between two states of a payment, each step at its instant. */
export function paymentPostings(grant: Grant, before: Funding, after: Funding) {
  const payment: Payment = {
    credit: creditOf(grant),
    amount: grant.amount,
    money: after.purchaseAmount,
    currency: after.purchaseCurrency!,
  };
  return [
    ...(before.authorizedAt === null && after.authorizedAt !== null
      ? [paymentAuthorized(payment, after.authorizedAt)]
      : []),
    ...(before.settledAt === null && after.settledAt !== null
      ? [paymentSettled(payment, after.settledAt)]
      : []),
  ].filter(({ legs }) => legs.length > 0);
}
