import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { Implementation } from '../mounted-service.ts';
import { batchConsumeCredits } from './batch-consume-credits.ts';
import { batchCreateGrants } from './batch-create-grants.ts';
import { consumeCredits } from './consume-credits.ts';
import { createGrant } from './create-grant.ts';
import { createCurrency, listCurrencies } from './currencies.ts';
import type { ServiceDeps } from './deps.ts';
import { batchGetBalances, getBalance } from './get-balance.ts';
import { getGrant, listGrants } from './get-grants.ts';
import { listScheduledGrants } from './list-scheduled-grants.ts';
import { voidGrant } from './void-grant.ts';

/** The RPCs of credit.v1.CreditService that there are; the others answer UNIMPLEMENTED. */
export const creditService = (deps: ServiceDeps): Partial<Implementation<typeof CreditService>> => ({
  createGrant: (request, context) => createGrant(deps, request, context),
  batchCreateGrants: (request, context) => batchCreateGrants(deps, request, context),
  getGrant: (request) => getGrant(deps, request),
  listGrants: (request) => listGrants(deps, request),
  voidGrant: (request, context) => voidGrant(deps, request, context),
  listScheduledGrants: (request) => listScheduledGrants(deps, request),
  consumeCredits: (request, context) => consumeCredits(deps, request, context),
  batchConsumeCredits: (request, context) => batchConsumeCredits(deps, request, context),
  getBalance: (request) => getBalance(deps, request),
  batchGetBalances: (request) => batchGetBalances(deps, request),
  createCurrency: (request) => createCurrency(deps, request),
  listCurrencies: (request) => listCurrencies(deps, request),
});
