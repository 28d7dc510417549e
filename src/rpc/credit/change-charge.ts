import { parseAmount } from '../../amount.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf } from '../wire.ts';
import {
  CancelChargeRequestSchema,
  CancelChargeResponseSchema,
  CollectChargeRequestSchema,
  CollectChargeResponseSchema,
  CorrectChargeRequestSchema,
  CorrectChargeResponseSchema,
  UpdateChargeRequestSchema,
  UpdateChargeResponseSchema,
  type CancelChargeRequest,
  type CancelChargeResponse,
  type CollectChargeRequest,
  type CollectChargeResponse,
  type CorrectChargeRequest,
  type CorrectChargeResponse,
  type UpdateChargeRequest,
  type UpdateChargeResponse,
} from '#gen/credit/v1/charge_change_pb.ts';
import { chargeAnswer } from './answer.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCollection, encodeCorrection } from './encode.ts';

/** The four writes that change a charge there is: UpdateCharge, CollectCharge, CorrectCharge, CancelCharge. */

export async function updateCharge(
  { books }: ServiceDeps,
  request: UpdateChargeRequest,
  context: CallContext,
): Promise<UpdateChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'UpdateCharge', input: UpdateChargeRequestSchema, output: UpdateChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'updateCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: parseAmount(request.amount),
        sequence: request.sequence === undefined ? null : Number(request.sequence),
      },
      respond: (decided) => chargeAnswer(key.customerId, decided),
    }),
  );
}

export async function collectCharge(
  { books }: ServiceDeps,
  request: CollectChargeRequest,
  context: CallContext,
): Promise<CollectChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CollectCharge', input: CollectChargeRequestSchema, output: CollectChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'collectCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: request.amount === '' ? null : parseAmount(request.amount),
        bookedAt: instantOf(request.bookedAt),
        finalize: request.finalize,
      },
      respond: (decided) => ({
        ...chargeAnswer(key.customerId, decided),
        collection: encodeCollection(decided.answer.collection, decided.answer.bookedAt),
      }),
    }),
  );
}

export async function correctCharge(
  { books }: ServiceDeps,
  request: CorrectChargeRequest,
  context: CallContext,
): Promise<CorrectChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CorrectCharge', input: CorrectChargeRequestSchema, output: CorrectChargeResponseSchema },
      ...{ request, key, context },
      command: {
        kind: 'correctCharge',
        chargeId: idOfKind('chg', request.chargeId),
        amount: parseAmount(request.amount),
      },
      respond: (decided) => ({
        ...chargeAnswer(key.customerId, decided),
        correction: encodeCorrection(decided.answer.correction),
      }),
    }),
  );
}

export async function cancelCharge(
  { books }: ServiceDeps,
  request: CancelChargeRequest,
  context: CallContext,
): Promise<CancelChargeResponse> {
  const key = keyOf(request);
  return books.submit(
    repeatable({
      ...{ method: 'CancelCharge', input: CancelChargeRequestSchema, output: CancelChargeResponseSchema },
      ...{ request, key, context },
      command: { kind: 'cancelCharge', chargeId: idOfKind('chg', request.chargeId) },
      respond: (decided) => chargeAnswer(key.customerId, decided),
    }),
  );
}
