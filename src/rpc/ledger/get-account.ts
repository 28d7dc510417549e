import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { getAccount as answerAccount } from '../../query/get-account.ts';
import { notFound } from '../../query/assert-named.ts';
import { askedAt, idOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { momentFacts } from '../wire.ts';
import { encodeAccount } from './encode.ts';

export const getAccount: Handler<typeof LedgerService.method.getAccount> = async (request, deps) => {
  const accountId = idOfKind('acc', request.accountId);
  const { view, account } = await answerAccount(deps, { ...askedAt(request), accountId });
  return {
    account: encodeAccount(request.customerId, account ?? notFound('acc', accountId)),
    ...momentFacts(view),
  };
};
