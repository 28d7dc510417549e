import { asRead } from '../../ledger/read-journal.ts';
import {
  ReverseTransactionRequestSchema,
  ReverseTransactionResponseSchema,
  type ReverseTransactionRequest,
  type ReverseTransactionResponse,
} from '#gen/ledger/v1/posting_pb.ts';
import type { CallContext } from '../call/context.ts';
import { idOfKind, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { repeatable } from '../repeatable.ts';
import { textOf, timestampOf } from '../wire.ts';
import { encodeMade } from './encode.ts';

export async function reverseTransaction(
  { books }: ServiceDeps,
  request: ReverseTransactionRequest,
  context: CallContext,
): Promise<ReverseTransactionResponse> {
  const key = keyOf(request);
  const transactionId = idOfKind('txn', request.transactionId);
  return books.submit(
    repeatable({
      ...{
        method: 'ReverseTransaction',
        input: ReverseTransactionRequestSchema,
        output: ReverseTransactionResponseSchema,
      },
      ...{ request, key, context },
      command: { kind: 'reverseManually', transactionId, reason: request.reason },
      respond: ({ version, recordedAt, appended }) => ({
        transaction: encodeMade(
          key.customerId,
          asRead(appended, 'REVERSE', textOf(request.idempotencyKey), transactionId),
        ),
        version: BigInt(version),
        recordedAt: timestampOf(recordedAt),
      }),
    }),
  );
}
