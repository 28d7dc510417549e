import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import {
  PaymentAdjustment,
  VoidGrantRequestSchema,
  VoidGrantResponseSchema,
  type VoidGrantRequest,
  type VoidGrantResponse,
} from '#gen/credit/v1/grant_change_pb.ts';
import { grantAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function voidGrant(
  { books }: ServiceDeps,
  request: VoidGrantRequest,
  context: CallContext,
): Promise<VoidGrantResponse> {
  const key = keyOf(request);
  const release = request.paymentAdjustment === PaymentAdjustment.RELEASE_UNPAID;
  return books.submit(
    repeatable({
      ...{ method: 'VoidGrant', input: VoidGrantRequestSchema, output: VoidGrantResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'voidGrant',
        grantId: idOfKind('grt', request.grantId),
        reason: request.reason,
        paymentAdjustment: release ? 'RELEASE_UNPAID' : 'NONE',
      },
      respond: (decided) => grantAnswer(key.customerId, decided),
    }),
  );
}
