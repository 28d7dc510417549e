import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { getGrant as answerGrant } from '../../query/get-grant.ts';
import { askedAt, idOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { momentFacts } from '../wire.ts';
import { encodeGrant } from './encode.ts';

export const getGrant: Handler<typeof CreditService.method.getGrant> = async (request, deps) => {
  const asked = { ...askedAt(request), grantId: idOfKind('grt', request.grantId) };
  const { view, found, actor } = await answerGrant(deps, asked);
  return { grant: encodeGrant(request.customerId, found, actor), ...momentFacts(view) };
};
