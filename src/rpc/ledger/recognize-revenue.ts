import { formatAmount } from '../../amount.ts';
import { amountOf, keyOf, namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf, textOf, timestampOf } from '../wire.ts';
import {
  RecognizeRevenueRequestSchema,
  RecognizeRevenueResponseSchema,
  type RecognizeRevenueRequest,
  type RecognizeRevenueResponse,
} from '#gen/ledger/v1/posting_pb.ts';
import { encodeMade } from './encode.ts';
import { asRead } from '../../ledger/read-journal.ts';

export async function recognizeRevenue(
  { books, currencies }: ServiceDeps,
  request: RecognizeRevenueRequest,
  context: CallContext,
): Promise<RecognizeRevenueResponse> {
  const key = keyOf(request);
  const { currency } = request;
  await currencies.precisionOf(namespaceOf(request), currency, 'currency');
  const amount = request.amount === '' ? null : (await amountOf(currencies, request)).amount;
  return books.submit(
    repeatable({
      ...{
        method: 'RecognizeRevenue',
        input: RecognizeRevenueRequestSchema,
        output: RecognizeRevenueResponseSchema,
      },
      ...{ request, key, context },
      command: { kind: 'recognizeRevenue', currency, amount, bookedAt: instantOf(request.bookedAt) },
      // Nothing to recognize: no transaction.
      respond: ({ answer: { recognition }, version, recordedAt, appended }) => ({
        units: formatAmount(recognition.units),
        money: [...recognition.money].map(([code, paid]) => ({ currency: code, amount: formatAmount(paid) })),
        transaction: encodeMade(
          key.customerId,
          asRead(appended, 'RECOGNIZE', textOf(request.idempotencyKey)),
        ),
        version: BigInt(version),
        recordedAt: timestampOf(recordedAt),
      }),
    }),
  );
}
