import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { serviceOf } from '../handler.ts';
import { getAccountBalance } from './get-account-balance.ts';
import { getAccount } from './get-account.ts';
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
export const ledgerService = serviceOf<typeof LedgerService>({
  listAccounts,
  getAccount,
  getAccountBalance,
  postTransaction,
  reverseTransaction,
  recognizeRevenue,
  getTrialBalance,
  getTransaction,
  listTransactions,
  listEntries,
  verify,
  watchTransactions,
});
