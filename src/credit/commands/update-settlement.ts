import { formatInstant, type Instant } from '../../instant.ts';
import { expire, issue, paymentFailed } from '../../ledger/posting-rules.ts';
import { refuse } from '../../refusal.ts';
import { advance } from '../advance-to.ts';
import { book, grantOf, putGrant, type Work } from '../book-state.ts';
import {
  bookingInstant,
  creditOf,
  isFunded,
  REACHED,
  type Funding,
  type Grant,
  type SettlementStatus,
} from '../grant.ts';
import { fundingAfter, paymentPostings, type SettlementEvent } from '../payment.ts';
import { grantAnswer, happenedAt, itsGrant, namedGrant, noCurrency, type CommandSpec } from '../spec.ts';

export type UpdateSettlement = {
  readonly kind: 'updateSettlement';
  readonly grantId: string;
  readonly status: SettlementStatus;
  /** Null: now. */
  readonly occurredAt: Instant | null;
  readonly invoiceId: string | null;
};

export const updateSettlement = {
  method: 'UpdateGrantSettlement',
  cause: { usual: 'GRANT_SETTLEMENT_UPDATED', voiding: 'GRANT_VOIDED' },
  needs: itsGrant,
  brings: noCurrency,
  decide: (work, command, now, leeway) => grantAnswer(takeStep(work, command, now, leeway)),
} satisfies CommandSpec<UpdateSettlement>;

/**
 * A step of a grant's payment, at the instant it occurred (≤ now). The first that meets the availability policy makes
 * the grant credit; FAILED before that calls it off. A repeat changes nothing. Refuses NOT_FUNDED for promotional
 * credit and SETTLEMENT_OUT_OF_ORDER for a step backward, out of time, or one that does not fit (domain.md §3, §14).
 */
function takeStep(work: Work, command: UpdateSettlement, now: Instant, leeway: number): Grant {
  const grant = namedGrant(work, command.grantId);
  const { id, funding } = grant;
  if (funding.method === 'NONE')
    return refuse('NOT_FUNDED', `grant ${id} is promotional: nobody pays for it`, { id, state: 'NONE' });
  if (funding.status === command.status) return grant;
  const occurredAt = happenedAt(command.occurredAt, now, leeway, 'occurred_at');
  const event = { ...command, occurredAt };
  checkOrder(grant, event);
  return event.status === 'FAILED' ? fail(work, grant, event) : progress(work, grant, event, now);
}

function checkOrder(grant: Grant, { status, occurredAt }: SettlementEvent): void {
  const { funding } = grant;
  const outOfOrder = (why: string): never =>
    refuse('SETTLEMENT_OUT_OF_ORDER', `grant ${grant.id}: ${status} ${why}`, {
      id: grant.id,
      state: funding.status ?? 'NONE',
    });
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
  putGrant(work, grant);
  if (!meetsPolicy) return grant;
  if (grant.phase === 'LAPSED') revive(work, grant, event.occurredAt);
  advance(work, now);
  return grantOf(work, grant.id);
}

/** It reached its expiry unpaid. Paid in time after all, it was credit; paid later, it is issued and gone at once. */
function revive(work: Work, grant: Grant, paidAt: Instant): void {
  if (bookingInstant(grant) < grant.expiresAt) {
    putGrant(work, { ...grant, phase: 'SCHEDULED', expired: 0n });
    return;
  }
  book(work, issue(creditOf(grant), grant.amount, false, paidAt));
  book(work, expire(creditOf(grant), grant.amount, paidAt));
  putGrant(work, { ...grant, phase: 'EXPIRED', bookedAt: paidAt });
}

/** The payment legs booked so far are taken back; what was still a promise is called off as of the failure. */
function fail(work: Work, before: Grant, { occurredAt }: SettlementEvent): Grant {
  const none: Funding = { ...before.funding, issuedAt: null, authorizedAt: null, settledAt: null };
  const booked = paymentPostings(before, none, before.funding);
  if (booked.length > 0) book(work, paymentFailed(booked, occurredAt));
  const grant: Grant = { ...before, funding: { ...before.funding, status: 'FAILED', failedAt: occurredAt } };
  if (grant.phase !== 'SCHEDULED') return putGrant(work, grant);
  const called = { voidedAt: occurredAt, voidReason: 'payment failed', voided: grant.amount };
  return putGrant(work, { ...grant, phase: 'CALLED_OFF', ...called });
}
