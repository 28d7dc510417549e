import { ChargeType, SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { CreateCharge } from '../../credit/commands/create-charge.ts';
import { idOf } from '../../id.ts';
import { amountOf } from '../decode.ts';
import { instantOf, nameOf, taxOf, textOf } from '../wire.ts';
import { write } from '../write.ts';
import { chargeAnswer } from './answer.ts';

export const createCharge = write(
  CreditService.method.createCharge,
  async (request, { currencies, uuids }): Promise<CreateCharge> => {
    const { idempotencyKey, name, labels } = request;
    return {
      kind: 'createCharge',
      chargeId: idOf('chg', uuids()),
      ...(await amountOf(currencies, request)),
      type: nameOf(ChargeType, request.type)!,
      mode: nameOf(SettlementMode, request.settlementMode)!,
      featureKey: textOf(request.featureKey),
      tax: taxOf(request.tax),
      details: { idempotencyKey: textOf(idempotencyKey), name, description: '', labels },
      startsAt: instantOf(request.startsAt),
      holdExpiresAt: instantOf(request.holdExpiresAt),
      requireLive: request.requireLive,
    };
  },
  chargeAnswer,
);
