import { ChargeStatus, ChargeType, ListChargesRequestSchema } from '#gen/credit/v1/charge_pb.ts';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { listCharges as answerCharges } from '../../query/list-charges.ts';
import { askedOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { idPart, pageSizeOf, pageTokens } from '../page-token.ts';
import { nameOf, namesOf, textOf } from '../wire.ts';
import { encodeCharge } from './encode.ts';

const TOKENS = pageTokens(ListChargesRequestSchema, { from: idPart('chg') });

export const listCharges: Handler<typeof CreditService.method.listCharges> = async (request, deps) => {
  const { rows, next, view } = await answerCharges(deps, {
    ...askedOf(request),
    from: TOKENS.read(request)?.from ?? null,
    limit: pageSizeOf(request),
    filter: {
      statuses: namesOf(ChargeStatus, request.statuses),
      type: nameOf(ChargeType, request.type),
      currency: textOf(request.currency),
      featureKey: textOf(request.featureKey),
      actor: textOf(request.actor),
    },
  });
  return {
    charges: rows.map(({ found, actor }) => encodeCharge(request.customerId, found, actor)),
    nextPageToken: TOKENS.write(request, next === null ? null : { from: next }),
    version: BigInt(view.version),
  };
};
