import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { parseAmount } from '../../amount.ts';
import type { CollectCharge } from '../../credit/commands/collect-charge.ts';
import { idOfKind } from '../decode.ts';
import { instantOf } from '../wire.ts';
import { write } from '../write.ts';
import { collectionAnswer } from './answer.ts';

export const collectCharge = write(
  CreditService.method.collectCharge,
  ({ chargeId, amount, bookedAt, finalize }): CollectCharge => ({
    kind: 'collectCharge',
    chargeId: idOfKind('chg', chargeId),
    amount: amount === '' ? null : parseAmount(amount),
    bookedAt: instantOf(bookedAt),
    finalize,
  }),
  (decided, request) => collectionAnswer(decided, request),
);
