import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { getTransaction as answerTransaction } from '../../query/get-transaction.ts';
import { notFound } from '../../query/assert-named.ts';
import { askedAt, idOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { encodeTransaction } from './encode.ts';

export const getTransaction: Handler<typeof LedgerService.method.getTransaction> = async (request, deps) => {
  const transactionId = idOfKind('txn', request.transactionId);
  const { view, transaction } = await answerTransaction(deps, { ...askedAt(request), transactionId });
  return {
    transaction: encodeTransaction(request.customerId, transaction ?? notFound('txn', transactionId)),
    version: BigInt(view.version),
  };
};
