import type { DescMessage, Message, MessageInitShape } from '@bufbuild/protobuf';
import type { BatchErrorSchema } from '#gen/credit/v1/batch_pb.ts';
import type { Code } from '#gen/google/rpc/code_pb.ts';
import { isRefusal, type Refusal } from '../../refusal.ts';
import { codeOf } from '../errors.ts';
import type { Validate } from '../validation.ts';

/** An item of a batch with the namespace it means: its own, or the batch's where it gives none. */
export const itemsOf = <Item extends Message & { namespace: string }>(batch: {
  readonly namespace: string;
  readonly requests: readonly Item[];
}): readonly Item[] =>
  batch.requests.map((item) => (item.namespace === '' ? { ...item, namespace: batch.namespace } : item));

/**
 * Answers every item for itself, in order: its answer, or the refusal that concerns it alone. Items are under way
 * together, so those of one shard share transactions. Anything but a refusal fails the call: repeat it with its keys.
 */
export async function answerEach<Item extends Message, Answer>(
  validate: Validate,
  schema: DescMessage,
  items: readonly Item[],
  answer: (item: Item) => Promise<Answer>,
): Promise<
  readonly ({ readonly answer: Answer } | { readonly error: MessageInitShape<typeof BatchErrorSchema> })[]
> {
  const outcomes = await Promise.allSettled(
    items.map(async (item) => {
      validate(schema, item);
      return answer(item);
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return { answer: outcome.value };
    if (!isRefusal(outcome.reason)) throw outcome.reason;
    return { error: encodeError(outcome.reason.refusal) };
  });
}

const encodeError = (refusal: Refusal): MessageInitShape<typeof BatchErrorSchema> => ({
  // Connect's codes are gRPC's numbers, which are google.rpc.Code's.
  code: codeOf(refusal.reason) as number as Code,
  reason: refusal.reason,
  message: refusal.message,
  metadata: { ...refusal.metadata },
  fieldViolations: (refusal.violations ?? []).map(({ field, rule, message }) => ({
    field,
    reason: rule,
    description: message,
  })),
});
