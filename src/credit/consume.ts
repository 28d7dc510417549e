import { formatInstant, NEVER, type Instant } from '../instant.ts';
import { refuseFields } from '../refusal.ts';
import type { Work } from './book-state.ts';
import { newCharge, type Charge, type Collection } from './charge.ts';
import { collect } from './collect.ts';
import type { Consume } from './command.ts';

/** One step of create, collect and finalize, booked at an instant ≤ now. */
export function consume(
  work: Work,
  command: Consume,
  now: Instant,
): { readonly charge: Charge; readonly collection: Collection; readonly bookedAt: Instant } {
  const at = bookedAt(command.bookedAt, now);
  const asked = { ...command, type: 'FLAT_FEE' } as const;
  const begun = { recordedAt: now, version: work.version, startsAt: at, holdExpiresAt: NEVER };
  const opened = newCharge(asked, begun);
  const collection = collect(work, opened, 1, command.amount, at);
  const { advanced, invoiced } = collection;
  const charge: Charge = {
    ...opened,
    status: 'FINAL',
    closedAt: now,
    collections: 1,
    collected: command.amount,
    advanced,
    invoiced,
  };
  work.charges.set(charge.id, charge);
  return { charge, collection, bookedAt: at };
}

/** The instant a consumption is booked at; one that lies ahead is refused, never waited for. */
export function bookedAt(asked: Instant | null, now: Instant): Instant {
  if (asked === null || asked <= now) return asked ?? now;
  const message = `must not lie in the future (now is ${formatInstant(now)})`;
  return refuseFields([{ field: 'booked_at', rule: 'booked_at.not_in_future', message }]);
}
