import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { parseAmount } from '../../amount.ts';
import type { UpdateCharge } from '../../credit/commands/update-charge.ts';
import { idOfKind } from '../decode.ts';
import { write } from '../write.ts';
import { chargeAnswer } from './answer.ts';

export const updateCharge = write(
  CreditService.method.updateCharge,
  ({ chargeId, amount, sequence }): UpdateCharge => ({
    kind: 'updateCharge',
    chargeId: idOfKind('chg', chargeId),
    amount: parseAmount(amount),
    sequence: sequence === undefined ? null : Number(sequence),
  }),
  chargeAnswer,
);
