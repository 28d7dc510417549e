import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { parseAmount } from '../../amount.ts';
import type { CorrectCharge } from '../../credit/commands/correct-charge.ts';
import { idOfKind } from '../decode.ts';
import { write } from '../write.ts';
import { chargeAnswer } from './answer.ts';
import { encodeCorrection } from './encode.ts';

export const correctCharge = write(
  CreditService.method.correctCharge,
  ({ chargeId, amount }): CorrectCharge => ({
    kind: 'correctCharge',
    chargeId: idOfKind('chg', chargeId),
    amount: parseAmount(amount),
  }),
  (decided, request) => ({
    ...chargeAnswer(decided, request),
    correction: encodeCorrection(decided.answer.correction),
  }),
);
