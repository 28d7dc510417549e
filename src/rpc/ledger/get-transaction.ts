import type { MessageInitShape } from '@bufbuild/protobuf';
import { getTransaction as answerTransaction } from '../../query/list-journal.ts';
import { notFound } from '../../query/named.ts';
import type { GetTransactionRequest, GetTransactionResponseSchema } from '#gen/ledger/v1/journal_pb.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeTransaction } from './encode.ts';

export async function getTransaction(
  deps: ServiceDeps,
  request: GetTransactionRequest,
): Promise<MessageInitShape<typeof GetTransactionResponseSchema>> {
  const transactionId = idOfKind('txn', request.transactionId);
  const asked = { key: keyOf(request), minVersion: Number(request.minVersion), asOf: null, knownAt: null };
  const { view, transaction } = await answerTransaction(deps, { ...asked, transactionId });
  return {
    transaction: encodeTransaction(request.customerId, transaction ?? notFound('txn', transactionId)),
    version: BigInt(view.version),
  };
}
