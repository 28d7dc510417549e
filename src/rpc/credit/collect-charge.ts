import { parseAmount } from '../../amount.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf } from '../wire.ts';
import {
  CollectChargeRequestSchema,
  CollectChargeResponseSchema,
  type CollectChargeRequest,
  type CollectChargeResponse,
} from '#gen/credit/v1/charge_change_pb.ts';
import { chargeAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCollection } from './encode.ts';

export async function collectCharge(
  { books }: ServiceDeps,
  request: CollectChargeRequest,
  context: CallContext,
): Promise<CollectChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CollectCharge', input: CollectChargeRequestSchema, output: CollectChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'collectCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: request.amount === '' ? null : parseAmount(request.amount),
        bookedAt: instantOf(request.bookedAt),
        finalize: request.finalize,
      },
      respond: (decided) => ({
        ...chargeAnswer(key.customerId, decided),
        collection: encodeCollection(decided.answer.collection, decided.answer.bookedAt),
      }),
    }),
  );
}
