import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount } from '../../amount.ts';
import { getTrialBalance as answerTotals } from '../../query/get-trial-balance.ts';
import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import type {
  GetTrialBalanceRequest,
  GetTrialBalanceResponseSchema,
} from '#gen/ledger/v1/trial_balance_pb.ts';
import type { CallContext } from '../call/context.ts';
import { currencyOf, momentOf, namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { enumOf, textOf, timestampOf } from '../wire.ts';

export async function getTrialBalance(
  deps: ServiceDeps,
  request: GetTrialBalanceRequest,
  { signal }: CallContext,
): Promise<MessageInitShape<typeof GetTrialBalanceResponseSchema>> {
  const question = {
    ...{ namespace: namespaceOf(request), customerId: textOf(request.customerId) },
    ...{ minVersion: Number(request.minVersion), ...momentOf(request) },
    currency: await currencyOf(deps.currencies, request),
  };
  const { rows, version, asOf, knownAt } = await answerTotals(deps, question, signal);
  return {
    rows: rows.map(({ type, currency, amount }) => ({
      ...{ accountType: enumOf(AccountType, type), currency, amount: formatAmount(amount) },
    })),
    ...{ version: BigInt(version), asOf: timestampOf(asOf), knownAt: timestampOf(knownAt) },
  };
}
