import type { MessageInitShape } from '@bufbuild/protobuf';
import { getAccount as answerAccount } from '../../query/list-accounts.ts';
import { notFound } from '../../query/named.ts';
import type { GetAccountRequest, GetAccountResponseSchema } from '#gen/ledger/v1/account_pb.ts';
import { idOfKind, keyOf, momentOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { timestampOf } from '../wire.ts';
import { encodeAccount } from './encode.ts';

export async function getAccount(
  deps: ServiceDeps,
  request: GetAccountRequest,
): Promise<MessageInitShape<typeof GetAccountResponseSchema>> {
  const accountId = idOfKind('acc', request.accountId);
  const { view, account } = await answerAccount(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion), ...momentOf(request), accountId },
  });
  return {
    account: encodeAccount(request.customerId, account ?? notFound('acc', accountId)),
    version: BigInt(view.version),
    ...{ asOf: timestampOf(view.asOf), knownAt: timestampOf(view.knownAt) },
  };
}
