import { ALWAYS, earlier, formatInstant, LATEST, NEVER, type Instant } from '../instant.ts';
import { refuseFields } from '../refusal.ts';
import { advance } from './advance-to.ts';
import { book, type Work } from './book-state.ts';
import type { CreateGrant, Expiry } from './command.ts';
import { addDuration } from './duration.ts';
import { isFunded, type Funding, type Grant } from './grant.ts';
import { fundingAfter, paymentPostings } from './settlement.ts';
import { grantOf } from './take.ts';

/**
 * Records a grant. One effective by now becomes credit at its own past or present instant, covers advances and, if
 * its expiry has passed too, expires: history told late. Otherwise it is scheduled.
 */
export function createGrant(work: Work, command: CreateGrant, now: Instant): Grant {
  const { grantId: id, currency, amount, priority, featureKeys, tax, details, terms } = command;
  const effectiveAt = command.effectiveAt ?? now;
  const unpaid: Funding = {
    ...terms,
    ...{ status: null, issuedAt: null, authorizedAt: null, settledAt: null, failedAt: null, invoiceId: null },
  };
  // A payment that had come this far before the grant was told came with it, not ahead of what it pays for.
  const occurredAt = earlier(effectiveAt, now);
  const funding =
    command.initialStatus === null
      ? unpaid
      : fundingAfter(unpaid, { status: command.initialStatus, occurredAt, invoiceId: null });
  const grant: Grant = {
    ...{ id, currency, amount, priority, featureKeys, tax, details, funding, effectiveAt },
    expiresAt: expiryInstant(command.expiry, effectiveAt),
    recordedAt: now,
    phase: 'SCHEDULED',
    fundedAt: isFunded(funding) ? ALWAYS : NEVER,
    bookedAt: null,
    voidedAt: null,
    voidReason: null,
    released: false,
    ...{ remaining: 0n, consumed: 0n, expired: 0n, voided: 0n, recognized: 0n },
    ...{ formerTimes: [], moves: [] },
  };
  work.grants.set(id, grant);
  advance(work, now);
  if (terms.method !== 'NONE')
    for (const posting of paymentPostings(grant, unpaid, funding)) book(work, posting);
  return grantOf(work, id);
}

/** The instant an expiry means; refused unless it is later than `effectiveAt`. */
function expiryInstant(expiry: Expiry, effectiveAt: Instant): Instant {
  if (expiry.kind === 'never') return NEVER;
  const field = expiry.kind === 'at' ? 'expires_at' : 'expires_after';
  const instant = expiry.kind === 'at' ? expiry.instant : addDuration(effectiveAt, expiry.duration);
  if (instant === null || instant > LATEST) {
    return refuseFields([{ field, rule: 'timestamp.range', message: 'must end before the year 10000' }]);
  }
  if (instant > effectiveAt) return instant;
  const message = `must be later than effective_at (${formatInstant(effectiveAt)})`;
  return refuseFields([{ field, rule: `${field}.after_effective_at`, message }]);
}
