import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { serviceOf } from '../handler.ts';
import { batchConsumeCredits } from './batch-consume-credits.ts';
import { batchCreateGrants } from './batch-create-grants.ts';
import { batchGetBalances } from './batch-get-balances.ts';
import { cancelCharge } from './cancel-charge.ts';
import { collectCharge } from './collect-charge.ts';
import { consumeCredits } from './consume-credits.ts';
import { correctCharge } from './correct-charge.ts';
import { createAdjustment } from './create-adjustment.ts';
import { createCharge } from './create-charge.ts';
import { createCurrency } from './create-currency.ts';
import { createGrant } from './create-grant.ts';
import { explainBalance } from './explain-balance.ts';
import { getBalance } from './get-balance.ts';
import { getBalanceTimeline } from './get-balance-timeline.ts';
import { getCharge } from './get-charge.ts';
import { getGrant } from './get-grant.ts';
import { listCharges } from './list-charges.ts';
import { listCurrencies } from './list-currencies.ts';
import { listGrants } from './list-grants.ts';
import { listScheduledGrants } from './list-scheduled-grants.ts';
import { listTransactions } from './list-transactions.ts';
import { rescheduleGrant } from './reschedule-grant.ts';
import { updateCharge } from './update-charge.ts';
import { updateGrantSettlement } from './update-grant-settlement.ts';
import { voidGrant } from './void-grant.ts';
import { watchBalance } from './watch-balance.ts';

/** The RPCs of credit.v1.CreditService. */
export const creditService = serviceOf<typeof CreditService>({
  createGrant,
  batchCreateGrants,
  getGrant,
  listGrants,
  voidGrant,
  rescheduleGrant,
  updateGrantSettlement,
  createCharge,
  updateCharge,
  collectCharge,
  correctCharge,
  cancelCharge,
  getCharge,
  listCharges,
  listScheduledGrants,
  consumeCredits,
  batchConsumeCredits,
  createAdjustment,
  getBalance,
  batchGetBalances,
  getBalanceTimeline,
  explainBalance,
  listTransactions,
  watchBalance,
  createCurrency,
  listCurrencies,
});
