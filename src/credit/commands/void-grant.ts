import type { Instant } from '../../instant.ts';
import { voidCredit } from '../../ledger/posting-rules.ts';
import { refuse } from '../../refusal.ts';
import { book, putGrant, type Work } from '../book-state.ts';
import { creditOf, grantStatus, type Grant } from '../grant.ts';
import { grantAnswer, itsGrant, namedGrant, noCurrency, type CommandSpec } from '../spec.ts';

export type VoidGrant = {
  readonly kind: 'voidGrant';
  readonly grantId: string;
  readonly reason: string;
  readonly paymentAdjustment: 'NONE' | 'RELEASE_UNPAID';
};

export const voidGrant = {
  method: 'VoidGrant',
  cause: 'GRANT_VOIDED',
  needs: itsGrant,
  brings: noCurrency,
  decide: (work, command, now) => grantAnswer(voidIt(work, command, now)),
} satisfies CommandSpec<VoidGrant>;

/**
 * Voids a grant at now. A pending one is called off; an active one forfeits what remains; already voided is a success
 * that changes nothing. Refuses GRANT_EXPIRED, and GRANT_EXHAUSTED when nothing is left.
 */
function voidIt(work: Work, command: VoidGrant, now: Instant): Grant {
  const grant = namedGrant(work, command.grantId);
  const status = grantStatus(grant, now);
  if (status === 'VOIDED') return grant;
  if (status === 'EXPIRED') return no('GRANT_EXPIRED', grant, 'has expired');
  const after = { ...grant, voidedAt: now, voidReason: command.reason };
  if (status === 'PENDING') return putGrant(work, { ...after, phase: 'CALLED_OFF', voided: grant.amount });
  const forfeited = grant.remaining;
  if (forfeited === 0n) return no('GRANT_EXHAUSTED', grant, 'has nothing left');
  const released = command.paymentAdjustment === 'RELEASE_UNPAID' && isUnpaid(grant);
  book(work, voidCredit(creditOf(grant), forfeited, released, now));
  const moves = [...grant.moves, { at: now, delta: -forfeited }];
  return putGrant(work, { ...after, released, remaining: 0n, voided: forfeited, moves });
}

/** Somebody still owes for it: funded, and its payment not yet authorized. */
const isUnpaid = ({ funding }: Grant): boolean =>
  funding.method !== 'NONE' && funding.status !== 'AUTHORIZED' && funding.status !== 'SETTLED';

const no = (reason: 'GRANT_EXPIRED' | 'GRANT_EXHAUSTED', grant: Grant, why: string): never =>
  refuse(reason, `grant ${grant.id} ${why}`, { id: grant.id, state: reason.slice('GRANT_'.length) });
