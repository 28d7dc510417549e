import { formatAmount, parseAmount } from '../../amount.ts';
import type { Decided } from '../../write/submission.ts';
import { settled } from '../../credit/balance.ts';
import type { AdjustDown } from '../../credit/commands/adjust-down.ts';
import type { AdjustUp } from '../../credit/commands/adjust-up.ts';
import { viewNow } from '../../credit/grant-view.ts';
import { idOf } from '../../id.ts';
import { ALL } from '../../scope.ts';
import { TransactionType } from '#gen/credit/v1/transaction_pb.ts';
import {
  CreateAdjustmentRequestSchema,
  CreateAdjustmentResponseSchema,
  type CreateAdjustmentRequest,
  type CreateAdjustmentResponse,
} from '#gen/credit/v1/consumption_pb.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { textOf, timestampOf } from '../wire.ts';
import { writeFacts } from './answer.ts';
import { amountOf, keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeGrant, encodeSlices } from './encode.ts';

export async function createAdjustment(
  deps: ServiceDeps,
  request: CreateAdjustmentRequest,
  context: CallContext,
): Promise<CreateAdjustmentResponse> {
  const key = keyOf(request);
  const command = await decode(deps, request);
  return deps.books.submit(
    repeatable({
      ...{
        method: 'CreateAdjustment',
        input: CreateAdjustmentRequestSchema,
        output: CreateAdjustmentResponseSchema,
      },
      ...{ request, key, command, context },
      respond: (decided) => ({
        ...writeFacts(decided),
        transaction: encodeRow(request, decided),
        ...('grant' in decided.answer
          ? { grant: encodeGrant(key.customerId, viewNow(decided.answer.grant, decided.state.clock)) }
          : { allocations: encodeSlices(decided.answer.allocations) }),
      }),
    }),
  );
}

async function decode(
  { currencies, uuids }: ServiceDeps,
  request: CreateAdjustmentRequest,
): Promise<AdjustUp | AdjustDown> {
  const { currency, amount } = await amountOf(currencies, request);
  const { reason } = request;
  if (amount < 0n)
    return { kind: 'adjustDown', currency, amount: -amount, featureKey: textOf(request.featureKey), reason };
  return {
    kind: 'adjustUp',
    grantId: idOf('grt', uuids()),
    ...{ currency, amount, featureKeys: request.featureKeys.toSorted() },
    details: {
      ...{ idempotencyKey: textOf(request.idempotencyKey), name: 'Adjustment', labels: {} },
      description: reason,
    },
  };
}

/** The row the customer's history shows for it. Advances it covered were owed before, so settled moves by the amount. */
function encodeRow(request: CreateAdjustmentRequest, decided: Decided<AdjustUp | AdjustDown>) {
  const { answer, state, recordedAt, version, appended } = decided;
  const amount = parseAmount(request.amount);
  const after = settled(state, answer.currency, ALL);
  const posted = appended.transactions.find(({ kind }) => kind === 'ADJUST')!;
  return {
    id: idOf('txn', posted.uuid),
    type: TransactionType.ADJUSTED,
    amount: formatAmount(amount),
    currency: answer.currency,
    bookedAt: timestampOf(recordedAt),
    recordedAt: timestampOf(recordedAt),
    balanceBefore: formatAmount(after - amount),
    balanceAfter: formatAmount(after),
    grantId: 'grant' in answer ? answer.grant.id : '',
    name: 'grant' in answer ? answer.grant.details.name : '',
    description: request.reason,
    version: BigInt(version),
  };
}
