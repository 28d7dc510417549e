import type { Amount } from '../../amount.ts';
import { refuseFields } from '../../refusal.ts';
import { putCharge, type Work } from '../book-state.ts';
import type { Charge } from '../charge.ts';
import { checkPrecision } from '../precision.ts';
import { chargeAnswer, itsCharge, noCurrency, openCharge, type CommandSpec } from '../spec.ts';

export type UpdateCharge = {
  readonly kind: 'updateCharge';
  readonly chargeId: string;
  readonly amount: Amount;
  readonly sequence: number | null;
};

export const updateCharge = {
  method: 'UpdateCharge',
  cause: 'CHARGE_UPDATED',
  needs: itsCharge,
  brings: noCurrency,
  decide: (work, command) => chargeAnswer(report(work, command)),
} satisfies CommandSpec<UpdateCharge>;

/** A new total. A report whose sequence is not above the last is ignored: a success that changes nothing. */
function report(work: Work, command: UpdateCharge): Charge {
  const charge = openCharge(work, command.chargeId);
  const { amount, sequence } = command;
  checkPrecision(charge, amount);
  if (sequence !== null && charge.sequence !== null && sequence <= charge.sequence) return charge;
  if (charge.type === 'FLAT_FEE' && amount === 0n) {
    const message = 'must be above zero for a FLAT_FEE';
    refuseFields([{ field: 'amount', rule: 'amount.flat_fee', message }]);
  }
  if (amount === charge.amount && sequence === null) return charge;
  return putCharge(work, { ...charge, amount, sequence: sequence ?? charge.sequence });
}
