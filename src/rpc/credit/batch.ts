import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { BatchErrorSchema } from '#gen/credit/v1/batch_pb.ts';
import type { Code } from '#gen/google/rpc/code_pb.ts';
import type { Command } from '../../credit/command.ts';
import { isRefusal, type Refusal } from '../../refusal.ts';
import { codeOf } from '../call/errors.ts';
import { keyOf } from '../decode.ts';
import { deadlineOf, type Handler } from '../handler.ts';
import { perform, type WriteHandler, type WriteRequest } from '../write.ts';

type BatchOf<One> = { readonly namespace: string; readonly requests: readonly One[] };

/**
 * The handler of a batch of writes. Every item is answered for itself: what its write answers, with what was `made` as
 * the outcome, or the refusal that concerns it alone. Items are prepared side by side and then performed in order, all
 * under way together, so that they share transactions. A dry run sees what stands before it in the batch and nothing
 * behind it: it begins when all before it are done, and is done before the next begins. Anything but a refusal fails the
 * call: repeat it with its keys.
 */
export function batch<
  I extends DescMessage,
  O extends DescMessage,
  C extends Command,
  One extends WriteRequest,
  Answer,
>(
  _method: DescMethodUnary<I, O> & (MessageShape<I> extends BatchOf<One> ? unknown : never),
  { input, prepare }: WriteHandler<C, One, Answer>,
  made: keyof Answer & string,
): Handler<DescMethodUnary<I, O>> {
  return async (request, deps, context) => {
    const items = itemsOf(request as unknown as BatchOf<One>);
    deps.books.assertInTime(items.map(keyOf), deadlineOf(context, deps));
    const prepared = await Promise.allSettled(
      items.map(async (item) => {
        deps.validate(input, item);
        return prepare(item, deps, context);
      }),
    );
    const performed: Promise<Answer>[] = [];
    for (const [i, one] of prepared.entries()) {
      const item = items[i]!;
      const isApart = one.status === 'fulfilled' && item.dryRun === true;
      if (isApart) await Promise.allSettled(performed);
      performed.push(one.status === 'rejected' ? Promise.reject(one.reason) : perform(item, deps, one.value));
      // Told of in the end; until then nobody listens.
      performed.at(-1)!.catch(() => undefined);
      if (isApart) await Promise.allSettled(performed);
    }
    const results = (await Promise.allSettled(performed)).map((outcome) => {
      if (outcome.status === 'fulfilled')
        return { ...outcome.value, outcome: { case: made, value: outcome.value[made] } };
      if (!isRefusal(outcome.reason)) throw outcome.reason;
      return { outcome: { case: 'error', value: encodeError(outcome.reason.refusal) } };
    });
    return { results } as unknown as MessageInitShape<O>;
  };
}

/** An item with the namespace it means: its own, or the batch's where it gives none. */
const itemsOf = <One extends WriteRequest>({ namespace, requests }: BatchOf<One>): readonly One[] =>
  requests.map((item) => (item.namespace === '' ? { ...item, namespace } : item));

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
