import { balanceOf } from '../../credit/balance.ts';
import { viewNow } from '../../credit/grant-view.ts';
import { ALL } from '../../scope.ts';
import type { CallContext } from '../context.ts';
import { repeatable } from '../repeatable.ts';
import { timestampOf } from '../wire.ts';
import {
  PaymentAdjustment,
  VoidGrantRequestSchema,
  VoidGrantResponseSchema,
  type VoidGrantRequest,
  type VoidGrantResponse,
} from '#gen/credit/v1/grant_change_pb.ts';
import { idOfKind, keyOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';
import { encodeBalance, encodeGrant } from './encode.ts';

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
      respond: ({ answer, state, version, recordedAt }) => ({
        grant: encodeGrant(key.customerId, viewNow(answer.grant, recordedAt)),
        balance: encodeBalance(balanceOf(state, answer.currency, ALL)),
        version: BigInt(version),
        recordedAt: timestampOf(recordedAt),
      }),
    }),
  );
}
