import type { CreateAdjustmentRequest } from '#gen/credit/v1/consumption_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { TransactionType } from '#gen/credit/v1/transaction_pb.ts';
import { formatAmount, parseAmount } from '../../amount.ts';
import { settled } from '../../credit/balance.ts';
import type { AdjustDown } from '../../credit/commands/adjust-down.ts';
import type { AdjustUp } from '../../credit/commands/adjust-up.ts';
import { viewNow } from '../../credit/grant-view.ts';
import { idOf } from '../../id.ts';
import { ALL } from '../../scope.ts';
import type { Decided } from '../../write/submission.ts';
import { amountOf } from '../decode.ts';
import { encodeActor, textOf, timestampOf } from '../wire.ts';
import { write } from '../write.ts';
import { writeFacts } from './answer.ts';
import { encodeGrant, encodeSlices } from './encode.ts';

export const createAdjustment = write(
  CreditService.method.createAdjustment,
  async (request, { currencies, uuids }): Promise<AdjustUp | AdjustDown> => {
    const { currency, amount } = await amountOf(currencies, request);
    const { reason } = request;
    if (amount < 0n) {
      const featureKey = textOf(request.featureKey);
      return { kind: 'adjustDown', currency, amount: -amount, featureKey, reason };
    }
    const idempotencyKey = textOf(request.idempotencyKey);
    return {
      kind: 'adjustUp',
      grantId: idOf('grt', uuids()),
      currency,
      amount,
      featureKeys: request.featureKeys.toSorted(),
      details: { idempotencyKey, name: 'Adjustment', description: reason, labels: {} },
    };
  },
  (decided, request) => ({
    ...writeFacts(decided),
    transaction: encodeRow(decided, request),
    ...('grant' in decided.answer
      ? {
          grant: encodeGrant(
            request.customerId,
            viewNow(decided.answer.grant, decided.state.clock),
            decided.actor,
          ),
        }
      : { allocations: encodeSlices(decided.answer.allocations) }),
  }),
);

/** The row the customer's history shows for it. Advances it covered were owed before, so settled moves by the amount. */
function encodeRow(
  { answer, state, recordedAt, version, appended, actor }: Decided<AdjustUp | AdjustDown>,
  request: CreateAdjustmentRequest,
) {
  const amount = parseAmount(request.amount);
  const after = settled(state, answer.currency, ALL);
  const posted = appended.transactions.find(({ kind }) => kind === 'ADJUST')!;
  const grant = 'grant' in answer ? answer.grant : undefined;
  return {
    id: idOf('txn', posted.uuid),
    type: TransactionType.ADJUSTED,
    amount: formatAmount(amount),
    currency: answer.currency,
    bookedAt: timestampOf(recordedAt),
    recordedAt: timestampOf(recordedAt),
    balanceBefore: formatAmount(after - amount),
    balanceAfter: formatAmount(after),
    grantId: grant?.id ?? '',
    name: grant?.details.name ?? '',
    description: request.reason,
    version: BigInt(version),
    actor: encodeActor(actor),
  };
}
