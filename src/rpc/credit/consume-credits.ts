import { preview } from '../../write/preview.ts';
import type { Submission } from '../../write/submission.ts';
import type { SettlementMode as Mode } from '../../credit/charge.ts';
import type { Consume } from '../../credit/commands/consume.ts';
import { idOf } from '../../id.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf, nameOf, textOf } from '../wire.ts';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import {
  ConsumeCreditsRequestSchema,
  ConsumeCreditsResponseSchema,
  type ConsumeCreditsRequest,
  type ConsumeCreditsResponse,
} from '#gen/credit/v1/consumption_pb.ts';
import { chargeAnswer } from './answer.ts';
import { amountOf, keyOf, taxOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCollection } from './encode.ts';

export const consumeCredits = async (
  deps: ServiceDeps,
  request: ConsumeCreditsRequest,
  context: CallContext,
): Promise<ConsumeCreditsResponse> => perform(deps, request, await prepare(deps, request, context));

/** The write a request asks for. */
export async function prepare(
  deps: ServiceDeps,
  request: ConsumeCreditsRequest,
  context: CallContext,
): Promise<Submission<Consume, ConsumeCreditsResponse>> {
  const key = keyOf(request);
  return repeatable({
    method: 'ConsumeCredits',
    input: ConsumeCreditsRequestSchema,
    output: ConsumeCreditsResponseSchema,
    request,
    key,
    context,
    command: await decode(deps, request),
    respond: (decided) => ({
      ...chargeAnswer(key.customerId, decided),
      collection: encodeCollection(decided.answer.collection, decided.answer.bookedAt),
    }),
  });
}

/** Makes the write, or says what it would answer: then there is no charge, so it has no id. */
export async function perform(
  deps: ServiceDeps,
  { dryRun }: ConsumeCreditsRequest,
  submission: Submission<Consume, ConsumeCreditsResponse>,
): Promise<ConsumeCreditsResponse> {
  if (!dryRun) return deps.books.submit(submission);
  const answer = await preview(deps.commit, submission);
  return { ...answer, ...(answer.charge !== undefined && { charge: { ...answer.charge, id: '' } }) };
}

async function decode({ currencies, uuids }: ServiceDeps, request: ConsumeCreditsRequest): Promise<Consume> {
  const { idempotencyKey, name, labels } = request;
  return {
    kind: 'consume',
    chargeId: idOf('chg', uuids()),
    ...(await amountOf(currencies, request)),
    featureKey: textOf(request.featureKey),
    mode: nameOf<Mode>(SettlementMode, request.settlementMode) ?? 'PREPAID_ONLY',
    tax: taxOf(request.tax),
    // A dry run uses no key, so it shows none.
    details: {
      idempotencyKey: request.dryRun ? null : textOf(idempotencyKey),
      name,
      description: '',
      labels,
    },
    bookedAt: instantOf(request.bookedAt),
  };
}
