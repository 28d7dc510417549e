import { preview } from '../../book/preview.ts';
import { balanceOf } from '../../credit/balance.ts';
import type { SettlementMode as Mode } from '../../credit/charge.ts';
import type { Consume } from '../../credit/command.ts';
import { idOf } from '../../id.ts';
import { ALL } from '../../scope.ts';
import type { CallContext } from '../context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import {
  ConsumeCreditsRequestSchema,
  ConsumeCreditsResponseSchema,
  type ConsumeCreditsRequest,
  type ConsumeCreditsResponse,
} from '#gen/credit/v1/consumption_pb.ts';
import { amountOf, keyOf, taxOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';
import { encodeBalance, encodeCharge, encodeCollection } from './encode.ts';

export async function consumeCredits(
  deps: ServiceDeps,
  request: ConsumeCreditsRequest,
  context: CallContext,
): Promise<ConsumeCreditsResponse> {
  const key = keyOf(request);
  const submission = repeatable({
    ...{ method: 'ConsumeCredits', input: ConsumeCreditsRequestSchema, output: ConsumeCreditsResponseSchema },
    ...{ request, key, context },
    command: await decode(deps, request),
    respond: ({ answer: { charge, collection, currency }, state, version, recordedAt }) => ({
      charge: encodeCharge(key.customerId, charge),
      collection: encodeCollection(collection, charge.startsAt),
      balance: encodeBalance(balanceOf(state, currency, ALL)),
      version: BigInt(version),
      recordedAt: timestampOf(recordedAt),
    }),
  });
  return request.dryRun ? preview(deps, submission) : deps.books.submit(submission);
}

async function decode({ currencies, uuids }: ServiceDeps, request: ConsumeCreditsRequest): Promise<Consume> {
  const { idempotencyKey, name, labels } = request;
  return {
    kind: 'consume',
    chargeId: idOf('chg', uuids()),
    currency: request.currency,
    amount: await amountOf(currencies, request),
    featureKey: textOf(request.featureKey),
    mode: nameOf<Mode>(SettlementMode, request.settlementMode) ?? 'PREPAID_ONLY',
    tax: taxOf(request.tax),
    details: { idempotencyKey: textOf(idempotencyKey), name, description: '', labels },
    bookedAt: instantOf(request.bookedAt),
  };
}
