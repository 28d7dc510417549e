import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { PaymentAdjustment } from '#gen/credit/v1/grant_change_pb.ts';
import type { VoidGrant } from '../../credit/commands/void-grant.ts';
import { idOfKind } from '../decode.ts';
import { nameOf } from '../wire.ts';
import { write } from '../write.ts';
import { grantAnswer } from './answer.ts';

export const voidGrant = write(
  CreditService.method.voidGrant,
  ({ grantId, reason, paymentAdjustment }): VoidGrant => ({
    kind: 'voidGrant',
    grantId: idOfKind('grt', grantId),
    reason,
    paymentAdjustment: nameOf(PaymentAdjustment, paymentAdjustment) ?? 'NONE',
  }),
  grantAnswer,
);
