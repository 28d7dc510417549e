import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ChargeStatus as Status, ChargeType as Type } from '../../credit/charge.ts';
import { listCharges as answerCharges } from '../../query/get-charges.ts';
import {
  ChargeStatus,
  ChargeType,
  ListChargesRequestSchema,
  type ListChargesRequest,
  type ListChargesResponseSchema,
} from '#gen/credit/v1/charge_pb.ts';
import { idPart, pageSizeOf, pageTokens } from '../page-token.ts';
import { nameOf, textOf } from '../wire.ts';
import { keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCharge } from './encode.ts';

const TOKENS = pageTokens(ListChargesRequestSchema, { from: idPart('chg') });

export async function listCharges(
  deps: ServiceDeps,
  request: ListChargesRequest,
): Promise<MessageInitShape<typeof ListChargesResponseSchema>> {
  const { from = null } = TOKENS.read(request) ?? {};
  const { charges, next, version } = await answerCharges(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion), from, limit: pageSizeOf(request) },
    filter: {
      statuses: request.statuses.map((status) => nameOf<Status>(ChargeStatus, status)!),
      type: nameOf<Type>(ChargeType, request.type),
      currency: textOf(request.currency),
      featureKey: textOf(request.featureKey),
    },
  });
  return {
    charges: charges.map((charge) => encodeCharge(request.customerId, charge)),
    nextPageToken: next === null ? '' : TOKENS.write(request, { from: next }),
    version: BigInt(version),
  };
}
