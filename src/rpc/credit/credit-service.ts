import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { Implementation } from '../call/mounted-service.ts';
import { batchConsumeCredits } from './batch-consume-credits.ts';
import { batchCreateGrants } from './batch-create-grants.ts';
import { cancelCharge } from './cancel-charge.ts';
import { collectCharge } from './collect-charge.ts';
import { correctCharge } from './correct-charge.ts';
import { updateCharge } from './update-charge.ts';
import { consumeCredits } from './consume-credits.ts';
import { createAdjustment } from './create-adjustment.ts';
import { createCharge } from './create-charge.ts';
import { createGrant } from './create-grant.ts';
import { createCurrency } from './create-currency.ts';
import { listCurrencies } from './list-currencies.ts';
import type { ServiceDeps } from '../deps.ts';
import { explainBalance } from './explain-balance.ts';
import { batchGetBalances } from './batch-get-balances.ts';
import { getBalance } from './get-balance.ts';
import { getBalanceTimeline } from './get-balance-timeline.ts';
import { getCharge } from './get-charge.ts';
import { listCharges } from './list-charges.ts';
import { getGrant } from './get-grant.ts';
import { listGrants } from './list-grants.ts';
import { listScheduledGrants } from './list-scheduled-grants.ts';
import { listTransactions } from './list-transactions.ts';
import { rescheduleGrant } from './reschedule-grant.ts';
import { updateGrantSettlement } from './update-grant-settlement.ts';
import { voidGrant } from './void-grant.ts';
import { watchBalance } from './watch-balance.ts';

/** The RPCs of credit.v1.CreditService. */
export const creditService = (deps: ServiceDeps): Implementation<typeof CreditService> => ({
  createGrant: (request, context) => createGrant(deps, request, context),
  batchCreateGrants: (request, context) => batchCreateGrants(deps, request, context),
  getGrant: (request) => getGrant(deps, request),
  listGrants: (request) => listGrants(deps, request),
  voidGrant: (request, context) => voidGrant(deps, request, context),
  rescheduleGrant: (request, context) => rescheduleGrant(deps, request, context),
  updateGrantSettlement: (request, context) => updateGrantSettlement(deps, request, context),
  createCharge: (request, context) => createCharge(deps, request, context),
  updateCharge: (request, context) => updateCharge(deps, request, context),
  collectCharge: (request, context) => collectCharge(deps, request, context),
  correctCharge: (request, context) => correctCharge(deps, request, context),
  cancelCharge: (request, context) => cancelCharge(deps, request, context),
  getCharge: (request) => getCharge(deps, request),
  listCharges: (request) => listCharges(deps, request),
  listScheduledGrants: (request) => listScheduledGrants(deps, request),
  consumeCredits: (request, context) => consumeCredits(deps, request, context),
  batchConsumeCredits: (request, context) => batchConsumeCredits(deps, request, context),
  createAdjustment: (request, context) => createAdjustment(deps, request, context),
  getBalance: (request) => getBalance(deps, request),
  batchGetBalances: (request) => batchGetBalances(deps, request),
  getBalanceTimeline: (request, context) => getBalanceTimeline(deps, request, context),
  explainBalance: (request) => explainBalance(deps, request),
  listTransactions: (request) => listTransactions(deps, request),
  watchBalance: (request, context) => watchBalance(deps, request, context),
  createCurrency: (request) => createCurrency(deps, request),
  listCurrencies: (request) => listCurrencies(deps, request),
});
