import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CreateCurrencyRequest, CreateCurrencyResponseSchema } from '#gen/credit/v1/currency_pb.ts';
import { textOf, timestampOf } from '../wire.ts';
import { namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCurrency } from './encode.ts';

export async function createCurrency(
  { currencies }: ServiceDeps,
  request: CreateCurrencyRequest,
): Promise<MessageInitShape<typeof CreateCurrencyResponseSchema>> {
  const { currency, replayed } = await currencies.create(namespaceOf(request), {
    ...{ code: request.code, name: request.name, precision: request.precision },
    idempotencyKey: textOf(request.idempotencyKey),
  });
  return { currency: encodeCurrency(currency), recordedAt: timestampOf(currency.recordedAt), replayed };
}
