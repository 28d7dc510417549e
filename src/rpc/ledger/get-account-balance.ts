import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount, parseAmount } from '../../amount.ts';
import { getAccountBalance as answerSum } from '../../query/get-account-balance.ts';
import type { AccountType as Account, Stage } from '../../ledger/account.ts';
import {
  AccountType,
  ReceivableStage,
  type GetAccountBalanceRequest,
  type GetAccountBalanceResponseSchema,
} from '#gen/ledger/v1/account_pb.ts';
import { filterOfKind, keyOf, momentOf, namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { nameOf, textOf, timestampOf } from '../wire.ts';

export async function getAccountBalance(
  deps: ServiceDeps,
  request: GetAccountBalanceRequest,
): Promise<MessageInitShape<typeof GetAccountBalanceResponseSchema>> {
  const { currency, grantId, chargeId } = request;
  await deps.currencies.precisionOf(namespaceOf(request), currency, 'currency');
  const { view, amount } = await answerSum(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion), ...momentOf(request) },
    filter: {
      type: nameOf<Account>(AccountType, request.accountType)!,
      currency,
      stage: nameOf<Stage>(ReceivableStage, request.stage),
      costBasisKnown: request.costBasisKnown ?? null,
      costBasis: request.costBasis === undefined ? null : parseAmount(request.costBasis),
      priority: request.priority ?? null,
      taxCode: textOf(request.taxCode),
      featureKeys: request.featureKeys?.keys.toSorted() ?? null,
      grantId: filterOfKind('grt', grantId),
      chargeId: filterOfKind('chg', chargeId),
    },
  });
  return {
    amount: formatAmount(amount),
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}
