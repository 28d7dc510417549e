import { formatInstant, LATEST, NEVER, type Instant } from '../instant.ts';
import { refuseFields } from '../refusal.ts';
import { advance } from './advance-to.ts';
import type { Work } from './book-state.ts';
import type { CreateGrant, Expiry } from './command.ts';
import { addDuration } from './duration.ts';
import { fundedAt, type Grant } from './grant.ts';
import { grantOf } from './take.ts';

/**
 * Records a grant. One effective by now becomes credit at its own past or present instant, covers advances and, if
 * its expiry has passed too, expires: history told late. Otherwise it is scheduled.
 */
export function createGrant(work: Work, command: CreateGrant, now: Instant): Grant {
  const { grantId: id, currency, amount, priority, featureKeys, tax, details, funding } = command;
  const effectiveAt = command.effectiveAt ?? now;
  work.grants.set(id, {
    ...{ id, currency, amount, priority, featureKeys, tax, details, funding, effectiveAt },
    expiresAt: expiryInstant(command.expiry, effectiveAt),
    recordedAt: now,
    phase: 'SCHEDULED',
    fundedAt: fundedAt(funding),
    bookedAt: null,
    voidedAt: null,
    voidReason: null,
    ...{ remaining: 0n, consumed: 0n, expired: 0n, voided: 0n, moves: [] },
  });
  advance(work, now);
  return grantOf(work, id);
}

function expiryInstant(expiry: Expiry, effectiveAt: Instant): Instant {
  if (expiry.kind === 'never') return NEVER;
  const field = expiry.kind === 'at' ? 'expires_at' : 'expires_after';
  const instant = expiry.kind === 'at' ? expiry.instant : addDuration(effectiveAt, expiry.duration);
  if (instant === null || instant > LATEST) {
    return refuseFields([{ field, rule: 'timestamp.range', message: 'must end before the year 10000' }]);
  }
  if (instant > effectiveAt) return instant;
  const message = `must be later than effective_at (${formatInstant(effectiveAt)})`;
  return refuseFields([{ field, rule: 'grant.expires_after_effective', message }]);
}
