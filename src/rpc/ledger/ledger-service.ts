import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { ServiceDeps } from '../deps.ts';
import type { Implementation } from '../call/mounted-service.ts';
import { getAccount } from './get-account.ts';
import { getAccountBalance } from './get-account-balance.ts';
import { getTransaction } from './get-transaction.ts';
import { getTrialBalance } from './get-trial-balance.ts';
import { listAccounts } from './list-accounts.ts';
import { listEntries } from './list-entries.ts';
import { listTransactions } from './list-transactions.ts';
import { postTransaction } from './post-transaction.ts';
import { recognizeRevenue } from './recognize-revenue.ts';
import { reverseTransaction } from './reverse-transaction.ts';
import { verify } from './verify.ts';
import { watchTransactions } from './watch-transactions.ts';

/** The RPCs of ledger.v1.LedgerService. */
export const ledgerService = (deps: ServiceDeps): Implementation<typeof LedgerService> => ({
  listAccounts: (request, context) => listAccounts(deps, request, context),
  getAccount: (request) => getAccount(deps, request),
  getAccountBalance: (request) => getAccountBalance(deps, request),
  postTransaction: (request, context) => postTransaction(deps, request, context),
  reverseTransaction: (request, context) => reverseTransaction(deps, request, context),
  recognizeRevenue: (request, context) => recognizeRevenue(deps, request, context),
  getTrialBalance: (request, context) => getTrialBalance(deps, request, context),
  getTransaction: (request) => getTransaction(deps, request),
  listTransactions: (request) => listTransactions(deps, request),
  listEntries: (request) => listEntries(deps, request),
  verify: (request, context) => verify(deps, request, context),
  watchTransactions: (request, context) => watchTransactions(deps, request, context),
});
