import type { DescMessage, Message, MessageInitShape } from '@bufbuild/protobuf';
import type { BatchErrorSchema } from '#gen/credit/v1/batch_pb.ts';
import type { Code } from '#gen/google/rpc/code_pb.ts';
import { isRefusal, type Refusal } from '../../refusal.ts';
import { codeOf } from '../call/errors.ts';
import type { Validate } from '../call/validation.ts';

/** An item of a batch with the namespace it means: its own, or the batch's where it gives none. */
export const itemsOf = <Item extends Message & { namespace: string }>(batch: {
  readonly namespace: string;
  readonly requests: readonly Item[];
}): readonly Item[] =>
  batch.requests.map((item) => (item.namespace === '' ? { ...item, namespace: batch.namespace } : item));

type Outcome<Answer> =
  | { readonly answer: Answer }
  | { readonly error: MessageInitShape<typeof BatchErrorSchema> };

/**
 * Answers every item for itself: its answer, or the refusal that concerns it alone. Items are prepared side by side and
 * then performed in order, all under way together, so that they share transactions; but one that stands apart begins
 * when all before it are done, and is done before the next begins. Anything but a refusal fails the call: repeat it with
 * its keys.
 */
export async function answerEach<Item extends Message, Prepared, Answer>(
  validate: Validate,
  schema: DescMessage,
  items: readonly Item[],
  prepare: (item: Item) => Promise<Prepared>,
  perform: (item: Item, prepared: Prepared) => Promise<Answer>,
  isApart: (item: Item) => boolean = () => false,
): Promise<readonly Outcome<Answer>[]> {
  const prepared = await Promise.allSettled(
    items.map(async (item) => {
      validate(schema, item);
      return prepare(item);
    }),
  );
  const performed: Promise<Answer>[] = [];
  for (const [i, one] of prepared.entries()) {
    const item = items[i]!;
    const apart = one.status === 'fulfilled' && isApart(item);
    if (apart) await Promise.allSettled(performed);
    performed.push(one.status === 'rejected' ? Promise.reject(one.reason) : perform(item, one.value));
    // Told of in the end; until then nobody listens.
    performed.at(-1)!.catch(() => undefined);
    if (apart) await Promise.allSettled(performed);
  }
  return (await Promise.allSettled(performed)).map((outcome) => {
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
