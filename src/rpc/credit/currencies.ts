import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CustomCurrency } from '../../book/currencies.ts';
import {
  ListCurrenciesRequestSchema,
  type CreateCurrencyRequest,
  type CreateCurrencyResponseSchema,
  type CustomCurrencySchema,
  type ListCurrenciesRequest,
  type ListCurrenciesResponseSchema,
} from '#gen/credit/v1/currency_pb.ts';
import { pageSizeOf, readPageToken, writePageToken } from '../page-token.ts';
import { textOf, timestampOf } from '../wire.ts';
import { namespaceOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';

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

export async function listCurrencies(
  { currencies }: ServiceDeps,
  request: ListCurrenciesRequest,
): Promise<MessageInitShape<typeof ListCurrenciesResponseSchema>> {
  const [after = ''] = readPageToken(ListCurrenciesRequestSchema, request) ?? [];
  const limit = pageSizeOf(request);
  const found = await currencies.list(namespaceOf(request), after, limit + 1);
  const page = found.slice(0, limit);
  const more = found.length > limit;
  return {
    currencies: page.map(encodeCurrency),
    nextPageToken: more ? writePageToken(ListCurrenciesRequestSchema, request, [page.at(-1)!.code]) : '',
  };
}

const encodeCurrency = (currency: CustomCurrency): MessageInitShape<typeof CustomCurrencySchema> => ({
  code: currency.code,
  name: currency.name,
  precision: currency.precision,
  recordedAt: timestampOf(currency.recordedAt),
});
