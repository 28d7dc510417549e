import type { AdjustDown } from '../../../src/credit/commands/adjust-down.ts';
import type { AdjustUp } from '../../../src/credit/commands/adjust-up.ts';
import type { CreateGrant } from '../../../src/credit/commands/create-grant.ts';
import type { RescheduleGrant } from '../../../src/credit/commands/reschedule-grant.ts';
import type { UpdateSettlement } from '../../../src/credit/commands/update-settlement.ts';
import type { VoidGrant } from '../../../src/credit/commands/void-grant.ts';
import type { Instant } from '../../../src/instant.ts';
import { statusOf } from './answers.ts';
import { insufficient, takeGreedily } from './collecting.ts';
import {
  grantFact,
  plus,
  sumOf,
  type Facts,
  type GrantFact,
  type SettlementFact,
  type Take,
} from './facts.ts';
import { bookingOf, leastUntaken, meets, timesOf, voidedAt } from './grants.ts';
import { refused, type Decided, type Refused } from './outcome.ts';

export function createGrant(
  facts: Facts,
  command: CreateGrant,
  version: number,
  now: Instant,
): Decided | Refused {
  const { grantId: id, currency, amount, priority, featureKeys, expiry, initialStatus: status } = command;
  const { method, policy } = command.terms;
  const effectiveAt = command.effectiveAt ?? now;
  // Calendar durations have a table of examples of their own.
  if (expiry.kind === 'after') throw new Error('the reference model reads expiries as instants');
  const expiresAt = expiry.kind === 'at' ? expiry.instant : Infinity;
  if (expiresAt <= effectiveAt) return refused('INVALID_FIELD', { field: 'expires_at' });
  const grant = { version, recordedAt: now, id, currency, amount, priority, featureKeys, method, policy };
  let known = plus(facts, 'grants', { ...grant, metAtCreation: meets(grant, status) });
  known = plus(known, 'times', { version, grantId: id, from: now, effectiveAt, expiresAt });
  if (status === null) return { facts: known };
  // It came with the grant: no later event may lie before what the grant itself may not lie before.
  return {
    facts: plus(known, 'settlements', { version, grantId: id, status, at: Math.min(effectiveAt, now) }),
  };
}

export function voidGrant(
  facts: Facts,
  { grantId }: VoidGrant,
  version: number,
  now: Instant,
): Decided | Refused {
  const grant = grantFact(facts, grantId);
  if (grant === undefined) return refused('GRANT_NOT_FOUND', { id: grantId });
  const status = statusOf({ facts, at: now }, grant);
  if (status === 'VOIDED') return { facts };
  if (status === 'EXPIRED') return refused('GRANT_EXPIRED', { id: grantId });
  const wasCredit = status === 'ACTIVE';
  const known = plus(facts, 'voids', { version, grantId, at: now, wasCredit });
  if (!wasCredit) return { facts: known };
  const amount = leastUntaken(facts, grant, now);
  if (amount === 0n) return refused('GRANT_EXHAUSTED', { id: grantId });
  const take: Take = {
    version,
    why: 'FORFEIT',
    grantId,
    chargeId: null,
    collection: 0,
    at: now,
    amount,
    of: null,
  };
  return { facts: plus(known, 'takes', take) };
}

export function reschedule(
  facts: Facts,
  command: RescheduleGrant,
  version: number,
  now: Instant,
): Decided | Refused {
  const { grantId } = command;
  const grant = grantFact(facts, grantId);
  if (grant === undefined) return refused('GRANT_NOT_FOUND', { id: grantId });
  const status = statusOf({ facts, at: now }, grant);
  if (status === 'VOIDED' || status === 'EXPIRED') return refused(`GRANT_${status}`, { id: grantId });
  if (status === 'ACTIVE' && command.effectiveAt !== null)
    return refused('GRANT_NOT_PENDING', { id: grantId });
  const old = timesOf(facts, grantId);
  const effectiveAt = command.effectiveAt === null ? old.effectiveAt : Math.max(command.effectiveAt, now);
  const expiresAt = command.expiresAt === null ? old.expiresAt : Math.max(command.expiresAt, now);
  const begins = status === 'ACTIVE' ? bookingOf(facts, grant) : effectiveAt;
  if (expiresAt <= begins) return refused('INVALID_FIELD', {});
  if (effectiveAt === old.effectiveAt && expiresAt === old.expiresAt) return { facts };
  return { facts: plus(facts, 'times', { version, grantId, from: now, effectiveAt, expiresAt }) };
}

const ORDER: readonly (SettlementFact['status'] | undefined)[] = [
  undefined,
  'ISSUED',
  'AUTHORIZED',
  'SETTLED',
  'FAILED',
];

export function settle(
  facts: Facts,
  command: UpdateSettlement,
  version: number,
  now: Instant,
): Decided | Refused {
  const { grantId, status } = command;
  const grant = grantFact(facts, grantId);
  if (grant === undefined) return refused('GRANT_NOT_FOUND', { id: grantId });
  if (grant.method === 'NONE') return refused('NOT_FUNDED', { id: grantId });
  const last = facts.settlements.findLast((event) => event.grantId === grantId);
  if (last?.status === status) return { facts };
  const at = command.occurredAt ?? now;
  if (at > now) return refused('INVALID_FIELD', { field: 'occurred_at' });

  const { effectiveAt } = timesOf(facts, grantId);
  const outOfOrder =
    (status === 'ISSUED' && grant.method === 'EXTERNAL') ||
    ORDER.indexOf(status) < ORDER.indexOf(last?.status) ||
    (status === 'FAILED' && isCreditAt(facts, grant, now)) ||
    at < (last?.at ?? -Infinity) ||
    at < Math.min(grant.recordedAt, effectiveAt);
  if (outOfOrder) return refused('SETTLEMENT_OUT_OF_ORDER', { id: grantId });

  const known = plus(facts, 'settlements', { version, grantId, status, at });
  const pending = statusOf({ facts, at: now }, grant) === 'PENDING';
  // A failure of what still was a promise calls it off, from when it failed.
  return {
    facts:
      status === 'FAILED' && pending
        ? plus(known, 'voids', { version, grantId, at, wasCredit: false })
        : known,
  };
}

/** It became credit and was not voided since: a payment that fails then comes too late. */
const isCreditAt = (facts: Facts, grant: GrantFact, at: Instant): boolean =>
  bookingOf(facts, grant) <= at && voidedAt(facts, grant.id) > at;

/** A grant of its own: promotional, of default priority, never expiring. */
export function adjustUp(facts: Facts, command: AdjustUp, version: number, now: Instant): Decided {
  const { grantId: id, currency, amount, featureKeys } = command;
  const terms = { priority: 10, method: 'NONE', policy: 'ON_CREATION', metAtCreation: true } as const;
  const known = plus(facts, 'grants', {
    version,
    recordedAt: now,
    id,
    currency,
    amount,
    featureKeys,
    ...terms,
  });
  return {
    facts: plus(known, 'times', { version, grantId: id, from: now, effectiveAt: now, expiresAt: Infinity }),
  };
}

export function adjustDown(
  facts: Facts,
  command: AdjustDown,
  version: number,
  now: Instant,
): Decided | Refused {
  const taking = { version, why: 'ADJUST', chargeId: null, collection: 0, at: now, of: null } as const;
  const takes = takeGreedily(facts, command, command.amount, taking);
  if (sumOf(takes) < command.amount) return insufficient(command, command.amount, sumOf(takes));
  const taken = takes.map(({ grantId, amount }) => ({ grantId, amount }));
  return { facts: plus(facts, 'takes', ...takes), taken };
}
