import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import {
  CancelChargeRequestSchema,
  CancelChargeResponseSchema,
  type CancelChargeRequest,
  type CancelChargeResponse,
} from '#gen/credit/v1/charge_change_pb.ts';
import { chargeAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function cancelCharge(
  { books }: ServiceDeps,
  request: CancelChargeRequest,
  context: CallContext,
): Promise<CancelChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CancelCharge', input: CancelChargeRequestSchema, output: CancelChargeResponseSchema },
      ...{ request, key, context },
      command: { kind: 'cancelCharge', chargeId: idOfKind('chg', request.chargeId) },
      respond: (decided) => chargeAnswer(key.customerId, decided),
    }),
  );
}
