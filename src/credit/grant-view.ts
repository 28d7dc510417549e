import type { Amount } from '../amount.ts';
import { earlier, type Instant } from '../instant.ts';
import {
  bookingInstant,
  grantStatus,
  pendingAmount,
  promiseOf,
  type Grant,
  type GrantStatus,
} from './grant.ts';
import { pendingAt } from '../pending/promise.ts';

/**
 * A grant as it stands at an instant. The five parts add up to its amount from the earlier of its recording and its
 * booking on; before that every part is zero and it has no status (domain.md §3).
 */
export type GrantView = {
  readonly grant: Grant;
  readonly status: GrantStatus | null;
  /** When it became credit, or will; null while its funding is awaited and where it never will. */
  readonly bookedAt: Instant | null;
  readonly pending: Amount;
  readonly remaining: Amount;
  readonly consumed: Amount;
  readonly expired: Amount;
  readonly voided: Amount;
};

/** A grant of a state that has been advanced to `at`, which does not lie before what the state has booked. */
export function viewNow(grant: Grant, at: Instant): GrantView {
  const status = grantStatus(grant, at);
  return {
    grant,
    status,
    bookedAt: status === 'PENDING' ? foreseen(grant, at) : grant.bookedAt,
    pending: pendingAmount(grant),
    remaining: grant.remaining,
    consumed: grant.consumed,
    expired: grant.expired,
    voided: grant.voided,
  };
}

/** When a grant that is promised at an instant becomes credit; null while its funding is awaited, or comes too late. */
function foreseen(grant: Grant, at: Instant): Instant | null {
  const instant = bookingInstant(grant);
  return grant.fundedAt <= at && instant < grant.expiresAt ? instant : null;
}

/**
 * A grant at an instant in the past of what is known. `known` is as known; `remaining` and `forfeited` are what the
 * journal says of it at that instant.
 */
export function viewThen(
  known: Grant,
  at: Instant,
  journal: { readonly remaining: Amount; readonly forfeited: Amount },
): GrantView {
  const none = { pending: 0n, remaining: 0n, consumed: 0n, expired: 0n, voided: 0n };
  const grant = untold(known, at);
  if (at < earlier(known.recordedAt, known.bookedAt ?? known.recordedAt))
    return { grant, status: null, bookedAt: null, ...none };
  const voided = grant.voidedAt !== null;
  const { bookedAt } = grant;
  if (bookedAt !== null) {
    const { remaining, forfeited } = journal;
    const status = voided ? 'VOIDED' : grant.expiresAt <= at ? 'EXPIRED' : 'ACTIVE';
    const parts = voided ? { voided: forfeited } : { expired: forfeited };
    const consumed = grant.amount - remaining - forfeited;
    return { grant, status, bookedAt, ...none, remaining, consumed, ...parts };
  }
  const promise = promiseOf(known);
  if (promise !== null && pendingAt(promise, at))
    return { grant, status: 'PENDING', bookedAt: foreseen(known, at), ...none, pending: grant.amount };
  return voided
    ? { grant, status: 'VOIDED', bookedAt, ...none, voided: grant.amount }
    : { grant, status: 'EXPIRED', bookedAt, ...none, expired: grant.amount };
}

/** Without what had not happened yet at the instant. */
function untold(grant: Grant, at: Instant): Grant {
  const by = (instant: Instant | null) => (instant !== null && instant <= at ? instant : null);
  const { funding } = grant;
  const issuedAt = by(funding.issuedAt);
  const authorizedAt = by(funding.authorizedAt);
  const settledAt = by(funding.settledAt);
  const failedAt = by(funding.failedAt);
  const steps = [
    ['FAILED', failedAt],
    ['SETTLED', settledAt],
    ['AUTHORIZED', authorizedAt],
    ['ISSUED', issuedAt],
  ] as const;
  const status = steps.find(([, instant]) => instant !== null)?.[0] ?? null;
  return {
    ...grant,
    bookedAt: by(grant.bookedAt),
    voidedAt: by(grant.voidedAt),
    voidReason: by(grant.voidedAt) === null ? null : grant.voidReason,
    funding: { ...funding, status, issuedAt, authorizedAt, settledAt, failedAt },
  };
}
