import type { SettlementStatus as Step } from '../../credit/grant.ts';
import { instantOf, nameOf, textOf } from '../wire.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import {
  UpdateGrantSettlementRequestSchema,
  UpdateGrantSettlementResponseSchema,
  type UpdateGrantSettlementRequest,
  type UpdateGrantSettlementResponse,
} from '#gen/credit/v1/grant_change_pb.ts';
import { grantAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function updateGrantSettlement(
  { books }: ServiceDeps,
  request: UpdateGrantSettlementRequest,
  context: CallContext,
): Promise<UpdateGrantSettlementResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      method: 'UpdateGrantSettlement',
      ...{ input: UpdateGrantSettlementRequestSchema, output: UpdateGrantSettlementResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'updateSettlement',
        grantId: idOfKind('grt', request.grantId),
        status: nameOf<Step>(SettlementStatus, request.status)!,
        occurredAt: instantOf(request.occurredAt),
        invoiceId: textOf(request.invoiceId),
      },
      respond: (decided) => grantAnswer(key.customerId, decided),
    }),
  );
}
