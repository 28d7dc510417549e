import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { ServiceDeps } from '../credit/deps.ts';
import type { Implementation } from '../mounted-service.ts';
import { getAccountBalance } from './get-account-balance.ts';
import { listEntries, listTransactions } from './list-journal.ts';
import { postTransaction } from './post-transaction.ts';
import { recognizeRevenue } from './recognize-revenue.ts';
import { watchTransactions } from './watch-transactions.ts';

/** The RPCs of ledger.v1.LedgerService that there are; the others answer UNIMPLEMENTED. */
export const ledgerService = (deps: ServiceDeps): Partial<Implementation<typeof LedgerService>> => ({
  getAccountBalance: (request) => getAccountBalance(deps, request),
  postTransaction: (request, context) => postTransaction(deps, request, context),
  recognizeRevenue: (request, context) => recognizeRevenue(deps, request, context),
  listTransactions: (request) => listTransactions(deps, request),
  listEntries: (request) => listEntries(deps, request),
  watchTransactions: (request, context) => watchTransactions(deps, request, context),
});
