import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  ListCurrenciesRequestSchema,
  type ListCurrenciesRequest,
  type ListCurrenciesResponseSchema,
} from '#gen/credit/v1/currency_pb.ts';
import { pageSizeOf, pageTokens, textPart } from '../page-token.ts';
import { namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeCurrency } from './encode.ts';

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
