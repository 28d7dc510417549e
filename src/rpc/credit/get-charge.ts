import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { getCharge as answerCharge } from '../../query/get-charge.ts';
import { askedOf, idOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { encodeCharge } from './encode.ts';

export const getCharge: Handler<typeof CreditService.method.getCharge> = async (request, deps) => {
  const asked = { ...askedOf(request), chargeId: idOfKind('chg', request.chargeId) };
  const { found, actor, view } = await answerCharge(deps, asked);
  return { charge: encodeCharge(request.customerId, found, actor), version: BigInt(view.version) };
};
