import type { Amount } from '../amount.ts';
import { checkPrecision } from './precision.ts';
import { NEVER, type Instant } from '../instant.ts';
import { refuse, refuseFields } from '../refusal.ts';
import type { Scope } from '../scope.ts';
import { live } from './balance.ts';
import { seal, type Work } from './book-state.ts';
import { newCharge, outstanding, type Charge, type Collection } from './charge.ts';
import { collect, insufficient } from './collect.ts';
import type { CollectCharge, CreateCharge, UpdateCharge } from './command.ts';
import { bookedAt } from './consume.ts';

/** Opens a charge: from its start it weighs on live until it is closed or its hold expires. */
export function createCharge(work: Work, command: CreateCharge, now: Instant): Charge {
  if (command.requireLive) checkLive(work, command);
  const charge = newCharge(command, {
    recordedAt: now,
    version: work.version,
    startsAt: command.startsAt ?? now,
    holdExpiresAt: command.holdExpiresAt ?? NEVER,
  });
  work.charges.set(charge.id, charge);
  return charge;
}

/** Live in the charge's own scope must cover it, as if it had started (domain.md §14). */
function checkLive(work: Work, { currency, featureKey, amount }: CreateCharge): void {
  const scope: Scope = featureKey === null ? { kind: 'unrestricted' } : { kind: 'feature', featureKey };
  const there = live(seal(work, work.version).state, currency, scope);
  if (there < amount) insufficient({ currency, featureKey }, amount, there);
}

/** A new total. A report whose sequence is not above the last is ignored: a success that changes nothing. */
export function updateCharge(work: Work, command: UpdateCharge): Charge {
  const charge = openCharge(work, command.chargeId);
  const { amount, sequence } = command;
  checkPrecision(charge, amount);
  if (sequence !== null && charge.sequence !== null && sequence <= charge.sequence) return charge;
  if (charge.type === 'FLAT_FEE' && amount === 0n) {
    refuseFields([
      { field: 'amount', rule: 'amount.flat_fee', message: 'must be above zero for a FLAT_FEE' },
    ]);
  }
  if (amount === charge.amount && sequence === null) return charge;
  return put(work, { ...charge, amount, sequence: sequence ?? charge.sequence });
}

/** Collects (by default what is outstanding) at an instant ≤ now, and closes the charge if asked to. */
export function collectCharge(
  work: Work,
  command: CollectCharge,
  now: Instant,
): { readonly charge: Charge; readonly collection: Collection; readonly bookedAt: Instant } {
  const charge = openCharge(work, command.chargeId);
  const at = bookedAt(command.bookedAt, now);
  const amount: Amount = command.amount ?? outstanding(charge);
  checkPrecision(charge, amount);
  const number = charge.collections + 1;
  const none: Collection = { allocations: [], advanced: 0n, invoiced: 0n };
  const collection = amount === 0n ? none : collect(work, charge, number, amount, at);
  const collected: Charge =
    amount === 0n
      ? charge
      : {
          ...charge,
          collections: number,
          collected: charge.collected + amount,
          advanced: charge.advanced + collection.advanced,
          invoiced: charge.invoiced + collection.invoiced,
        };
  const closed: Charge = command.finalize ? { ...collected, status: 'FINAL', closedAt: now } : collected;
  return { charge: closed === charge ? charge : put(work, closed), collection, bookedAt: at };
}

/** The charge stops weighing on live; what was collected stays. Canceled before: success, unchanged. */
export function cancelCharge(work: Work, chargeId: string, now: Instant): Charge {
  const known = chargeOf(work, chargeId);
  if (known.status === 'CANCELED') return known;
  const charge = openCharge(work, chargeId);
  return put(work, { ...charge, status: 'CANCELED', closedAt: now });
}

export function chargeOf(work: Work, chargeId: string): Charge {
  const charge = work.charges.get(chargeId);
  return charge ?? refuse('CHARGE_NOT_FOUND', `this customer has no charge ${chargeId}`, { id: chargeId });
}

function openCharge(work: Work, chargeId: string): Charge {
  const charge = chargeOf(work, chargeId);
  if (charge.status === 'OPEN') return charge;
  const state = charge.status;
  return refuse('CHARGE_NOT_OPEN', `charge ${chargeId} is ${state}`, { id: chargeId, state });
}

function put(work: Work, charge: Charge): Charge {
  work.charges.set(charge.id, charge);
  return charge;
}
