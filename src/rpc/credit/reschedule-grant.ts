import { instantOf } from '../wire.ts';
import { NEVER } from '../../instant.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import {
  RescheduleGrantRequestSchema,
  RescheduleGrantResponseSchema,
  type RescheduleGrantRequest,
  type RescheduleGrantResponse,
} from '#gen/credit/v1/grant_change_pb.ts';
import { grantAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function rescheduleGrant(
  { books }: ServiceDeps,
  request: RescheduleGrantRequest,
  context: CallContext,
): Promise<RescheduleGrantResponse> {
  const key = keyOf(request);
  const { expiry } = request;
  return books.submit(
    repeatable({
      ...{
        method: 'RescheduleGrant',
        input: RescheduleGrantRequestSchema,
        output: RescheduleGrantResponseSchema,
      },
      ...{ request, key, context },
      command: {
        kind: 'rescheduleGrant',
        grantId: idOfKind('grt', request.grantId),
        effectiveAt: instantOf(request.effectiveAt),
        expiresAt:
          expiry.case === 'expiresAt' ? instantOf(expiry.value) : expiry.case === undefined ? null : NEVER,
      },
      respond: (decided) => grantAnswer(key.customerId, decided),
    }),
  );
}
