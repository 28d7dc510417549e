import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { CancelCharge } from '../../credit/commands/cancel-charge.ts';
import { idOfKind } from '../decode.ts';
import { write } from '../write.ts';
import { chargeAnswer } from './answer.ts';

export const cancelCharge = write(
  CreditService.method.cancelCharge,
  ({ chargeId }): CancelCharge => ({ kind: 'cancelCharge', chargeId: idOfKind('chg', chargeId) }),
  chargeAnswer,
);
