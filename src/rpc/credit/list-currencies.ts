import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { ListCurrenciesRequestSchema } from '#gen/credit/v1/currency_pb.ts';
import type { Handler } from '../handler.ts';
import { pageSizeOf, pageTokens, textPart } from '../page-token.ts';
import { encodeCurrency } from './encode.ts';
import { namespaceOf } from '../wire.ts';

const TOKENS = pageTokens(ListCurrenciesRequestSchema, { after: textPart(/^[A-Z0-9_]{1,24}$/) });

export const listCurrencies: Handler<typeof CreditService.method.listCurrencies> = async (
  request,
  { currencies },
) => {
  const { after } = TOKENS.read(request) ?? { after: '' };
  const limit = pageSizeOf(request);
  const found = await currencies.list(namespaceOf(request), after, limit + 1);
  const page = found.slice(0, limit);
  return {
    currencies: page.map(encodeCurrency),
    nextPageToken: TOKENS.write(request, found.length > limit ? { after: page.at(-1)!.code } : null),
  };
};
