import type { RecordedEvent } from '../../book/charge-history.ts';
import { later, type Instant } from '../../instant.ts';
import type { SettledEntry } from '../../ledger/settled.ts';
import type { CreditPromise } from '../../pending/promise.ts';
import { turnsOf, type Charge } from '../../credit/charge.ts';
import type { Grant } from '../../credit/grant.ts';
import type { CauseKind } from '../../credit/cause.ts';
import type { Change } from '../../credit/timeline.ts';
import { causeOfEnd, causeOfEntry } from './causes.ts';

/** Facts as what they change, and when. */

export const ofEntry = (entry: SettledEntry): Change => ({
  at: entry.at,
  what: 'settled',
  currency: entry.currency,
  amount: entry.amount,
  holder: entry.ofCredit ? entry.grantId : null,
  cause: causeOfEntry(entry),
});

export const ofPromise = (promise: CreditPromise): readonly Change[] => {
  const { grantId, currency, amount, from, until } = promise;
  const began = { kind: 'GRANT_CREATED', grantId, chargeId: null } as const;
  return [
    { at: from, what: 'pending', currency, amount, cause: began },
    { at: until, what: 'pending', currency, amount: -amount, cause: causeOfEnd(promise) },
  ];
};

const caused = (kind: CauseKind, chargeId: string) => ({ kind, grantId: null, chargeId });

/** A charge that was opened, with nothing reported or collected: its events tell that. */
export const ofOpening = (charge: Charge): Change => ({
  at: charge.recordedAt,
  what: 'opened',
  cause: caused('CHARGE_CREATED', charge.id),
  charge: { ...charge, amount: 0n, collected: 0n, status: 'OPEN', closedAt: null },
});

/** What an event changes when it is recorded; of a back-dated collection this is the rest, see {@link ofLate}. */
export function ofEvent(event: RecordedEvent, openedBy: number | undefined): readonly Change[] {
  const { chargeId, recordedAt: at, amount, collected, bookedAt, closes } = event;
  const cause = caused(
    closes === 'CANCELED'
      ? 'CHARGE_CANCELED'
      : event.version === openedBy
        ? 'CHARGE_CREATED'
        : collected < 0n
          ? 'CHARGE_CORRECTED'
          : collected > 0n || closes === 'FINAL'
            ? 'CHARGE_COLLECTED'
            : 'CHARGE_UPDATED',
    chargeId,
  );
  return [
    { at, what: 'total', chargeId, amount, cause: collected === 0n ? cause : null },
    ...(collected === 0n || bookedAt < at
      ? []
      : [{ at, what: 'collected', chargeId, amount: collected, cause } as const]),
    ...(closes === null ? [] : [{ at, what: 'closed', chargeId, cause } as const]),
  ];
}

/** A collection counts from its own instant on, but not before its charge was known. */
export const ofLate = (event: RecordedEvent, charge: Charge): Change => ({
  at: later(event.bookedAt, charge.recordedAt),
  what: 'collected',
  chargeId: event.chargeId,
  amount: event.collected,
  cause: caused('CHARGE_COLLECTED', event.chargeId),
});

/** When a charge begins and ceases to weigh by itself. */
export const ofWeighing = (charge: Charge): readonly Change[] =>
  turnsOf(charge)
    .filter(({ at }) => at > charge.recordedAt && Number.isFinite(at))
    .map(({ at, cause }) => ({ at, what: 'weight', chargeId: charge.id, cause: caused(cause, charge.id) }));

/** When a reschedule put a grant elsewhere in the burn order. */
export const ofOrder = (grant: Grant): readonly Change[] =>
  grant.formerTimes.map(({ until }) => ({
    at: until,
    what: 'order',
    grantId: grant.id,
    cause: { kind: 'GRANT_RESCHEDULED', grantId: grant.id, chargeId: null },
  }));

/** Whether a change happens after one instant, by another. */
export const within =
  (after: Instant, through: Instant) =>
  ({ at }: Change): boolean =>
    at > after && at <= through;
