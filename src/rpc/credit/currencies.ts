import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CustomCurrency } from '../../tables/currencies.ts';
import {
  ListCurrenciesRequestSchema,
  type CreateCurrencyRequest,
  type CreateCurrencyResponseSchema,
  type CustomCurrencySchema,
  type ListCurrenciesRequest,
  type ListCurrenciesResponseSchema,
} from '#gen/credit/v1/currency_pb.ts';
import { pageSizeOf, pageTokens, textPart } from '../page-token.ts';
import { textOf, timestampOf } from '../wire.ts';
import { namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

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

const TOKENS = pageTokens(ListCurrenciesRequestSchema, { after: textPart(/^[A-Z0-9_]{1,24}$/) });

export async function listCurrencies(
  { currencies }: ServiceDeps,
  request: ListCurrenciesRequest,
): Promise<MessageInitShape<typeof ListCurrenciesResponseSchema>> {
  const { after } = TOKENS.read(request) ?? { after: '' };
  const limit = pageSizeOf(request);
  const found = await currencies.list(namespaceOf(request), after, limit + 1);
  const page = found.slice(0, limit);
  const more = found.length > limit;
  return {
    currencies: page.map(encodeCurrency),
    nextPageToken: more ? TOKENS.write(request, { after: page.at(-1)!.code }) : '',
  };
}

const encodeCurrency = (currency: CustomCurrency): MessageInitShape<typeof CustomCurrencySchema> => ({
  code: currency.code,
  name: currency.name,
  precision: currency.precision,
  recordedAt: timestampOf(currency.recordedAt),
});
