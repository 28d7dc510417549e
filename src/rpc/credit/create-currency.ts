import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { Handler } from '../handler.ts';
import { namespaceOf, textOf, timestampOf } from '../wire.ts';
import { encodeCurrency } from './encode.ts';

export const createCurrency: Handler<typeof CreditService.method.createCurrency> = async (
  request,
  { currencies },
) => {
  const { code, name, precision } = request;
  const asked = { code, name, precision, idempotencyKey: textOf(request.idempotencyKey) };
  const { currency, replayed } = await currencies.create(namespaceOf(request), asked);
  return { currency: encodeCurrency(currency), recordedAt: timestampOf(currency.recordedAt), replayed };
};
