import type { Amount } from '../../amount.ts';
import type { Instant } from '../../instant.ts';
import { putCharge } from '../book-state.ts';
import { outstanding, type Charge, type Collection } from '../charge.ts';
import { collect } from '../collect.ts';
import { checkPrecision } from '../precision.ts';
import { chargeAnswer, happenedAt, noCurrency, openCharge, type CommandSpec } from '../spec.ts';

/** Collects for an open charge, and closes it if asked to. */
export type CollectCharge = {
  readonly kind: 'collectCharge';
  readonly chargeId: string;
  /** Null: what is outstanding. */
  readonly amount: Amount | null;
  /** Null: now. */
  readonly bookedAt: Instant | null;
  readonly finalize: boolean;
};

export const collectCharge = {
  method: 'CollectCharge',
  cause: 'CHARGE_COLLECTED',
  needs: ({ chargeId, bookedAt }) => ({ charges: [chargeId], historySince: bookedAt }),
  brings: noCurrency,
  decide(work, command, now, leeway) {
    const charge = openCharge(work, command.chargeId);
    const bookedAt = happenedAt(command.bookedAt, now, leeway);
    const amount = command.amount ?? outstanding(charge);
    checkPrecision(charge, amount);
    const done = amount === 0n ? { charge, collection: NOTHING } : collect(work, charge, amount, bookedAt);
    const after: Charge = command.finalize ? { ...done.charge, status: 'FINAL', closedAt: now } : done.charge;
    const put = after === charge ? charge : putCharge(work, after);
    return { ...chargeAnswer(put), collection: done.collection, bookedAt };
  },
} satisfies CommandSpec<CollectCharge>;

const NOTHING: Collection = { allocations: [], advanced: 0n, invoiced: 0n };
