import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { formatAmount } from '../../amount.ts';
import { getTrialBalance as answerTotals } from '../../query/get-trial-balance.ts';
import { filterOfCurrency, momentOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { enumOf, momentFacts, namespaceOf, textOf } from '../wire.ts';

export const getTrialBalance: Handler<typeof LedgerService.method.getTrialBalance> = async (
  request,
  deps,
  { signal },
) => {
  const question = {
    ...momentOf(request),
    namespace: namespaceOf(request),
    customerId: textOf(request.customerId),
    minVersion: Number(request.minVersion),
    currency: await filterOfCurrency(deps.currencies, request),
  };
  const { rows, view } = await answerTotals(deps, question, signal);
  return {
    rows: rows.map(({ type, currency, amount }) => ({
      accountType: enumOf(AccountType, type),
      currency,
      amount: formatAmount(amount),
    })),
    ...momentFacts(view),
  };
};
