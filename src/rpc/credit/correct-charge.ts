import { parseAmount } from '../../amount.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import {
  CorrectChargeRequestSchema,
  CorrectChargeResponseSchema,
  type CorrectChargeRequest,
  type CorrectChargeResponse,
} from '#gen/credit/v1/charge_change_pb.ts';
import { chargeAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCorrection } from './encode.ts';

export async function correctCharge(
  { books }: ServiceDeps,
  request: CorrectChargeRequest,
  context: CallContext,
): Promise<CorrectChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CorrectCharge', input: CorrectChargeRequestSchema, output: CorrectChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'correctCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: parseAmount(request.amount),
      },
      respond: (decided) => ({
        ...chargeAnswer(key.customerId, decided),
        correction: encodeCorrection(decided.answer.correction),
      }),
    }),
  );
}
