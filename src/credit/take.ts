import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { undoExpiry } from '../ledger/posting-rules.ts';
import { book, type Work } from './book-state.ts';
import { creditOf, type Grant } from './grant.ts';
import { grantOf } from './named.ts';

/**
 * Takes an amount of a grant at an instant, for a charge or to cover an advance. The caller has made sure that
 * nobody took it since. From a grant that has expired meanwhile the slice of its expiry is undone first.
 */
export function takeFrom(work: Work, grantId: string, amount: Amount, at: Instant): Grant {
  const grant = grantOf(work, grantId);
  const expired = grant.phase === 'EXPIRED';
  if (expired) book(work, undoExpiry(creditOf(grant), amount, grant.expiresAt));
  const taken: Grant = {
    ...grant,
    remaining: expired ? grant.remaining : grant.remaining - amount,
    expired: expired ? grant.expired - amount : grant.expired,
    consumed: grant.consumed + amount,
    moves: [...grant.moves, { at, delta: -amount }],
  };
  if (taken.remaining < 0n || taken.expired < 0n) throw new Error(`invariant: ${grantId} is overdrawn`);
  work.grants.set(grantId, taken);
  return taken;
}
