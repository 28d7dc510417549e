import { NEVER, type Instant } from '../../instant.ts';
import { putCharge } from '../book-state.ts';
import { newCharge, type NewCharge } from '../charge.ts';
import { collect } from '../collect.ts';
import { chargeAnswer, happenedAt, itsCurrency, type CommandSpec } from '../spec.ts';

/** Create, collect and finalize a charge in one step. */
export type Consume = Omit<NewCharge, 'type'> & {
  readonly kind: 'consume';
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

export const consume = {
  method: 'ConsumeCredits',
  cause: 'CHARGE_COLLECTED',
  needs: ({ bookedAt }) => ({ historySince: bookedAt }),
  brings: itsCurrency,
  decide(work, command, now, leeway) {
    const bookedAt = happenedAt(command.bookedAt, now, leeway);
    const begun = { recordedAt: now, version: work.version, startsAt: bookedAt, holdExpiresAt: NEVER };
    const opened = newCharge({ ...command, type: 'FLAT_FEE' }, begun);
    const { charge, collection } = collect(work, opened, command.amount, bookedAt);
    const final = putCharge(work, { ...charge, status: 'FINAL', closedAt: now });
    return { ...chargeAnswer(final), collection, bookedAt };
  },
} satisfies CommandSpec<Consume>;
