import { formatInstant, type Instant } from '../instant.ts';
import { refuse, refuseFields } from '../refusal.ts';
import type { Work } from './book-state.ts';
import type { Charge } from './charge.ts';
import type { Grant } from './grant.ts';

/** What commands name: grants, charges and instants. */

/** A grant that must be loaded: the loader's contract, not the caller's input. */
export function grantOf(work: Pick<Work, 'grants'>, grantId: string): Grant {
  const grant = work.grants.get(grantId);
  if (grant === undefined) throw new Error(`invariant: grant ${grantId} is not loaded`);
  return grant;
}

export function namedGrant(work: Work, id: string): Grant {
  return work.grants.get(id) ?? refuse('GRANT_NOT_FOUND', `this customer has no grant ${id}`, { id });
}

export function namedCharge(work: Work, id: string): Charge {
  return work.charges.get(id) ?? refuse('CHARGE_NOT_FOUND', `this customer has no charge ${id}`, { id });
}

export function openCharge(work: Work, id: string): Charge {
  const charge = namedCharge(work, id);
  const state = charge.status;
  return state === 'OPEN' ? charge : refuse('CHARGE_NOT_OPEN', `charge ${id} is ${state}`, { id, state });
}

export function putGrant(work: Work, grant: Grant): Grant {
  work.grants.set(grant.id, grant);
  return grant;
}

export function putCharge(work: Work, charge: Charge): Charge {
  work.charges.set(charge.id, charge);
  return charge;
}

/**
 * When something happened that a command tells of: now, where it names no instant. Callers' clocks differ, so up to
 * `leeway` milliseconds ahead of now mean now (domain.md §14); what lies further ahead is refused, never waited for.
 */
export function happenedAt(
  told: Instant | null,
  now: Instant,
  leeway: number,
  field: 'booked_at' | 'occurred_at' = 'booked_at',
): Instant {
  if (told === null || told <= now) return told ?? now;
  if (told <= now + leeway) return now;
  const message = `must not lie in the future (now is ${formatInstant(now)})`;
  return refuseFields([{ field, rule: `${field}.not_in_future`, message }]);
}
