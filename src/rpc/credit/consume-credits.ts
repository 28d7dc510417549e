import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { Consume } from '../../credit/commands/consume.ts';
import { idOf } from '../../id.ts';
import { amountOf } from '../decode.ts';
import { instantOf, nameOf, taxOf, textOf } from '../wire.ts';
import { write } from '../write.ts';
import { collectionAnswer } from './answer.ts';

export const consumeCredits = write(
  CreditService.method.consumeCredits,
  async (request, { currencies, uuids }): Promise<Consume> => {
    const { name, labels } = request;
    // A dry run uses no key, so it shows none.
    const idempotencyKey = request.dryRun ? null : textOf(request.idempotencyKey);
    return {
      kind: 'consume',
      chargeId: idOf('chg', uuids()),
      ...(await amountOf(currencies, request)),
      featureKey: textOf(request.featureKey),
      mode: nameOf(SettlementMode, request.settlementMode) ?? 'PREPAID_ONLY',
      tax: taxOf(request.tax),
      details: { idempotencyKey, name, description: '', labels },
      bookedAt: instantOf(request.bookedAt),
    };
  },
  (decided, request) => {
    // Who made the charge is who asked: it would stand in every spend twice, as answers are kept under their keys.
    const answer = collectionAnswer(decided, request, null);
    // A dry run makes no charge, so it has no id.
    return request.dryRun ? { ...answer, charge: { ...answer.charge, id: '' } } : answer;
  },
);
