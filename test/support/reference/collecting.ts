import { formatAmount, type Amount } from '../../../src/amount.ts';
import type { CollectCharge } from '../../../src/credit/commands/collect-charge.ts';
import type { CreateCharge } from '../../../src/credit/commands/create-charge.ts';
import type { UpdateCharge } from '../../../src/credit/commands/update-charge.ts';
import type { Instant } from '../../../src/instant.ts';
import { mayPay, type Scope } from '../../../src/scope.ts';
import { liveIn } from './answers.ts';
import { outstandingAt, statusOfCharge } from './charges.ts';
import { chargeFact, plus, sumOf, type ChargeFact, type Facts, type Take } from './facts.ts';
import { creditAt, leastUntaken } from './grants.ts';
import { isRefused, refused, type Collected, type Decided, type Refused } from './outcome.ts';

type Wanting = { readonly currency: string; readonly featureKey: string | null };

/** What eligible credit gives at an instant ≤ now: greedily, in burn order (domain.md §6). */
export function takeGreedily(
  facts: Facts,
  { currency, featureKey }: Wanting,
  amount: Amount,
  take: Omit<Take, 'grantId' | 'amount'>,
): readonly Take[] {
  const takes: Take[] = [];
  let missing = amount;
  for (const grant of creditAt(facts, take.at)) {
    if (grant.currency !== currency || !mayPay(grant.featureKeys, featureKey)) continue;
    const there = leastUntaken(facts, grant, take.at);
    const slice = there < missing ? there : missing;
    if (slice > 0n) takes.push({ ...take, grantId: grant.id, amount: slice });
    missing -= slice;
  }
  return takes;
}

export const insufficient = (
  { currency, featureKey }: Wanting,
  requested: Amount,
  eligible: Amount,
): Refused =>
  refused('INSUFFICIENT_CREDIT', {
    requested: formatAmount(requested),
    eligible: formatAmount(eligible),
    currency,
    feature_key: featureKey ?? '',
  });

/** One collection of a charge: taken from credit, the rest advanced, handed back or refused, as its mode says. */
export function collect(
  facts: Facts,
  charge: ChargeFact,
  amount: Amount,
  at: Instant,
  { version, now }: { readonly version: number; readonly now: Instant },
): { readonly facts: Facts; readonly collected: Collected } | Refused {
  const { id: chargeId, currency, featureKey, mode } = charge;
  const collection = collectionsOf(facts, chargeId) + 1;
  const takes = takeGreedily(facts, charge, amount, {
    version,
    why: 'SOURCE',
    chargeId,
    collection,
    at,
    of: null,
  });
  const missing = amount - sumOf(takes);
  if (missing > 0n && mode === 'PREPAID_ONLY') return insufficient(charge, amount, amount - missing);
  const advanced = mode === 'CREDIT_ONLY' ? missing : 0n;
  const invoiced = missing - advanced;
  let known = plus(facts, 'takes', ...takes);
  known = plus(known, 'collected', { version, chargeId, collection, at, amount, invoiced });
  if (advanced > 0n) {
    const debt = {
      version,
      recordedAt: now,
      chargeId,
      collection,
      currency,
      featureKey,
      at,
      amount: advanced,
    };
    known = plus(known, 'advances', debt);
  }
  const allocations = takes.map((take) => ({ grantId: take.grantId, amount: take.amount }));
  return { facts: known, collected: { allocations, advanced, invoiced } };
}

export const collectionsOf = (facts: Facts, chargeId: string): number =>
  facts.collected.filter((fact) => fact.chargeId === chargeId && fact.collection !== null).length;

/** Records a charge and what it is for. */
export function openCharge(facts: Facts, charge: ChargeFact, amount: Amount): Facts {
  const total = {
    version: charge.version,
    chargeId: charge.id,
    at: charge.recordedAt,
    amount,
    sequence: null,
  };
  return plus(plus(facts, 'charges', charge), 'totals', total);
}

export const closeCharge = (
  facts: Facts,
  chargeId: string,
  status: 'FINAL' | 'CANCELED',
  { version, now }: { readonly version: number; readonly now: Instant },
): Facts => plus(facts, 'closed', { version, chargeId, at: now, status });

export function createCharge(
  facts: Facts,
  command: CreateCharge,
  version: number,
  now: Instant,
): Decided | Refused {
  const { chargeId: id, type, mode, currency, featureKey, amount, startsAt, holdExpiresAt } = command;
  const scope: Scope = featureKey === null ? { kind: 'unrestricted' } : { kind: 'feature', featureKey };
  const there = liveIn({ facts, at: now }, currency, scope);
  if (command.requireLive && there < amount) return insufficient(command, amount, there);
  const times = { startsAt: startsAt ?? now, holdExpiresAt: holdExpiresAt ?? Infinity };
  return {
    facts: openCharge(
      facts,
      { version, recordedAt: now, id, type, mode, currency, featureKey, ...times },
      amount,
    ),
  };
}

/** The charge if it may still be collected and updated. */
export function openOne(facts: Facts, id: string): ChargeFact | Refused {
  const charge = chargeFact(facts, id);
  if (charge === undefined) return refused('CHARGE_NOT_FOUND', { id });
  return statusOfCharge(facts, id) === 'OPEN' ? charge : refused('CHARGE_NOT_OPEN', { id });
}

export function updateCharge(
  facts: Facts,
  command: UpdateCharge,
  version: number,
  now: Instant,
): Decided | Refused {
  const { chargeId, amount, sequence } = command;
  const charge = openOne(facts, chargeId);
  if (isRefused(charge)) return charge;
  const reports = facts.totals.filter((total) => total.chargeId === chargeId);
  const last = reports.findLast((total) => total.sequence !== null)?.sequence ?? -Infinity;
  if (sequence !== null && sequence <= last) return { facts };
  if (charge.type === 'FLAT_FEE' && amount === 0n) return refused('INVALID_FIELD', { field: 'amount' });
  if (sequence === null && reports.at(-1)!.amount === amount) return { facts };
  return { facts: plus(facts, 'totals', { version, chargeId, at: now, amount, sequence }) };
}

export function collectCharge(
  facts: Facts,
  command: CollectCharge,
  version: number,
  now: Instant,
): Decided | Refused {
  const { chargeId, bookedAt, finalize } = command;
  const charge = openOne(facts, chargeId);
  if (isRefused(charge)) return charge;
  const at = bookedAt ?? now;
  if (at > now) return refused('INVALID_FIELD', { field: 'booked_at' });
  const amount = command.amount ?? outstandingAt(facts, chargeId, now);
  const none = { facts, collected: { allocations: [], advanced: 0n, invoiced: 0n } };
  const done = amount === 0n ? none : collect(facts, charge, amount, at, { version, now });
  if (isRefused(done)) return done;
  return finalize ? { ...done, facts: closeCharge(done.facts, chargeId, 'FINAL', { version, now }) } : done;
}
