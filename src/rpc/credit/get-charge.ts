import type { MessageInitShape } from '@bufbuild/protobuf';
import { getCharge as answerCharge } from '../../query/get-charges.ts';
import type { GetChargeRequest, GetChargeResponseSchema } from '#gen/credit/v1/charge_pb.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCharge } from './encode.ts';

export async function getCharge(
  deps: ServiceDeps,
  request: GetChargeRequest,
): Promise<MessageInitShape<typeof GetChargeResponseSchema>> {
  const chargeId = idOfKind('chg', request.chargeId);
  const asked = { key: keyOf(request), minVersion: Number(request.minVersion), chargeId };
  const { charge, version } = await answerCharge(deps, asked);
  return { charge: encodeCharge(request.customerId, charge), version: BigInt(version) };
}
