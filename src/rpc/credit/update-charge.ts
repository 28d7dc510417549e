import { parseAmount } from '../../amount.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import {
  UpdateChargeRequestSchema,
  UpdateChargeResponseSchema,
  type UpdateChargeRequest,
  type UpdateChargeResponse,
} from '#gen/credit/v1/charge_change_pb.ts';
import { chargeAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function updateCharge(
  { books }: ServiceDeps,
  request: UpdateChargeRequest,
  context: CallContext,
): Promise<UpdateChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'UpdateCharge', input: UpdateChargeRequestSchema, output: UpdateChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'updateCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: parseAmount(request.amount),
        sequence: request.sequence === undefined ? null : Number(request.sequence),
      },
      respond: (decided) => chargeAnswer(key.customerId, decided),
    }),
  );
}
