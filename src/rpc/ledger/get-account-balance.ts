import { AccountType, ReceivableStage } from '#gen/ledger/v1/account_pb.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { formatAmount, parseAmount } from '../../amount.ts';
import { getAccountBalance as answerSum } from '../../query/get-account-balance.ts';
import { askedAt, currencyOf, filterOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { momentFacts, nameOf, textOf } from '../wire.ts';

export const getAccountBalance: Handler<typeof LedgerService.method.getAccountBalance> = async (
  request,
  deps,
) => {
  const { view, amount } = await answerSum(deps, {
    ...askedAt(request),
    filter: {
      type: nameOf(AccountType, request.accountType)!,
      currency: await currencyOf(deps.currencies, request),
      stage: nameOf(ReceivableStage, request.stage),
      costBasisKnown: request.costBasisKnown ?? null,
      costBasis: request.costBasis === undefined ? null : parseAmount(request.costBasis),
      priority: request.priority ?? null,
      taxCode: textOf(request.taxCode),
      featureKeys: request.featureKeys?.keys.toSorted() ?? null,
      grantId: filterOfKind('grt', request.grantId),
      chargeId: filterOfKind('chg', request.chargeId),
    },
  });
  return { amount: formatAmount(amount), ...momentFacts(view) };
};
