import { formatInstant, later, type Instant } from '../../instant.ts';
import { refuse, refuseFields } from '../../refusal.ts';
import { advance } from '../advance-to.ts';
import { grantOf, putGrant, type Work } from '../book-state.ts';
import { grantStatus, type Grant, type GrantStatus } from '../grant.ts';
import { grantAnswer, itsGrant, namedGrant, noCurrency, type CommandSpec } from '../spec.ts';

export type RescheduleGrant = {
  readonly kind: 'rescheduleGrant';
  readonly grantId: string;
  /** Null: as it is. */
  readonly effectiveAt: Instant | null;
  /** Null: as it is; NEVER: dropped. */
  readonly expiresAt: Instant | null;
};

export const rescheduleGrant = {
  method: 'RescheduleGrant',
  cause: 'GRANT_RESCHEDULED',
  needs: itsGrant,
  brings: noCurrency,
  decide: (work, command, now) => grantAnswer(reschedule(work, command, now)),
} satisfies CommandSpec<RescheduleGrant>;

/**
 * Moves a grant's times. A pending grant may move its effective instant and its expiry; an active one may move its
 * expiry, or drop it. An instant by now means now: the grant begins, or expires, at once. Refuses GRANT_VOIDED and
 * GRANT_EXPIRED by state, GRANT_NOT_PENDING for the effective instant of an active grant, and times between which the
 * grant would not live (domain.md §3, §14).
 */
function reschedule(work: Work, command: RescheduleGrant, now: Instant): Grant {
  const grant = namedGrant(work, command.grantId);
  const status = grantStatus(grant, now);
  if (status === 'VOIDED' || status === 'EXPIRED')
    no(`GRANT_${status}`, grant, status, `is ${status.toLowerCase()}`);
  if (status === 'ACTIVE' && command.effectiveAt !== null) {
    no('GRANT_NOT_PENDING', grant, status, 'is credit already: its effective_at cannot move');
  }
  const effectiveAt = command.effectiveAt === null ? grant.effectiveAt : later(command.effectiveAt, now);
  const expiresAt = command.expiresAt === null ? grant.expiresAt : later(command.expiresAt, now);
  // What has been credit was so for a millisecond at least: paid late, it began only when it was paid.
  const begins = later(effectiveAt, grant.bookedAt ?? effectiveAt);
  if (expiresAt <= begins) {
    const message = `must be later than ${formatInstant(begins)}; the expiry would be ${formatInstant(expiresAt)}`;
    const field = command.expiresAt === null ? 'effective_at' : 'expires_at';
    refuseFields([{ field, rule: `${field}.lives`, message }]);
  }
  if (effectiveAt === grant.effectiveAt && expiresAt === grant.expiresAt) return grant;
  const former = { until: now, effectiveAt: grant.effectiveAt, expiresAt: grant.expiresAt };
  putGrant(work, {
    ...grant,
    effectiveAt,
    expiresAt,
    formerTimes: [...grant.formerTimes, former],
  });
  advance(work, now);
  return grantOf(work, grant.id);
}

const no = (
  reason: 'GRANT_NOT_PENDING' | 'GRANT_EXPIRED' | 'GRANT_VOIDED',
  grant: Grant,
  state: GrantStatus,
  why: string,
): never => refuse(reason, `grant ${grant.id} ${why}`, { id: grant.id, state });
