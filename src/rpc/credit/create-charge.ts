import type { ChargeType as Type, SettlementMode as Mode } from '../../credit/charge.ts';
import type { CreateCharge } from '../../credit/commands/create-charge.ts';
import { idOf } from '../../id.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf, nameOf, textOf } from '../wire.ts';
import {
  ChargeType,
  CreateChargeRequestSchema,
  CreateChargeResponseSchema,
  SettlementMode,
  type CreateChargeRequest,
  type CreateChargeResponse,
} from '#gen/credit/v1/charge_pb.ts';
import { chargeAnswer } from './answer.ts';
import { amountOf, keyOf, taxOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export async function createCharge(
  deps: ServiceDeps,
  request: CreateChargeRequest,
  context: CallContext,
): Promise<CreateChargeResponse> {
  const key = keyOf(request);
  const command = await decode(deps, request);
  return deps.books.submit(
    repeatable({
      ...{ method: 'CreateCharge', input: CreateChargeRequestSchema, output: CreateChargeResponseSchema },
      ...{ request, key, command, context },
      respond: (decided) => chargeAnswer(key.customerId, decided),
    }),
  );
}

async function decode(
  { currencies, uuids }: ServiceDeps,
  request: CreateChargeRequest,
): Promise<CreateCharge> {
  const { idempotencyKey, name, labels } = request;
  return {
    kind: 'createCharge',
    chargeId: idOf('chg', uuids()),
    ...(await amountOf(currencies, request)),
    type: nameOf<Type>(ChargeType, request.type)!,
    mode: nameOf<Mode>(SettlementMode, request.settlementMode)!,
    featureKey: textOf(request.featureKey),
    tax: taxOf(request.tax),
    details: { idempotencyKey: textOf(idempotencyKey), name, description: '', labels },
    startsAt: instantOf(request.startsAt),
    holdExpiresAt: instantOf(request.holdExpiresAt),
    requireLive: request.requireLive,
  };
}
