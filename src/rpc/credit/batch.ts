import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { BatchErrorSchema } from '#gen/credit/v1/batch_pb.ts';
import type { Code } from '#gen/google/rpc/code_pb.ts';
import type { Command } from '../../credit/command.ts';
import { isRefusal, type Refusal } from '../../refusal.ts';
import { codeOf } from '../call/errors.ts';
import { namespacesKey } from '../call/incoming-call.ts';
import { keyOf } from '../decode.ts';
import { writerOf } from '../encoding/encode.ts';
import { encodedList, renumbering, type Encoded } from '../encoding/encoded.ts';
import { deadlineOf, type Handler } from '../handler.ts';
import { perform, type WriteHandler, type WriteRequest } from '../write.ts';
import { namespaceOf } from '../wire.ts';

type BatchOf<One> = { readonly namespace: string; readonly requests: readonly One[] };

/**
 * The handler of a batch of writes. Every item is answered for itself: what its write answers, or the refusal that concerns
 * it alone. Items are prepared side by side and then performed in order, all under way together, so that they share
 * transactions. A dry run sees what stands before it in the batch and nothing behind it: it begins when all before it are
 * done, and is done before the next begins. Anything but a refusal fails the call: repeat it with its keys.
 */
export function batch<
  I extends DescMessage,
  O extends DescMessage,
  C extends Command,
  One extends WriteRequest,
>(
  { output }: DescMethodUnary<I, O> & (MessageShape<I> extends BatchOf<One> ? unknown : never),
  { input, output: itemOutput, prepare }: WriteHandler<C, One>,
): Handler<DescMethodUnary<I, O>> {
  const results = output.fields.find(({ name }) => name === 'results')!;
  const result = results.message!;
  // What a write is answered stands in the result under the same names; of what it made and an error, it has one.
  const writeMade = renumbering(itemOutput, result);
  const writeResult = writerOf(result);
  return async (request, deps, context) => {
    const items = itemsOf(request as unknown as BatchOf<One>);
    deps.books.assertInTime(items.map(keyOf), deadlineOf(context, deps));
    const prepared = await Promise.allSettled(
      items.map(async (item) => {
        deps.validate(input, item);
        context.values.get(namespacesKey).assertMayIn(namespaceOf(item));
        return prepare(item, deps, context);
      }),
    );
    const performed: Promise<Encoded>[] = [];
    for (const [i, one] of prepared.entries()) {
      const item = items[i]!;
      const isApart = one.status === 'fulfilled' && item.dryRun === true;
      if (isApart) await Promise.allSettled(performed);
      performed.push(one.status === 'rejected' ? Promise.reject(one.reason) : perform(item, deps, one.value));
      // Told of in the end; until then nobody listens.
      performed.at(-1)!.catch(() => undefined);
      if (isApart) await Promise.allSettled(performed);
    }
    let refused = 0;
    const answers = (await Promise.allSettled(performed)).map((done) => {
      if (done.status === 'fulfilled') return (writer: BinaryWriter) => writeMade(writer, done.value.bytes);
      if (!isRefusal(done.reason)) throw done.reason;
      refused += 1;
      const outcome = { case: 'error', value: encodeError(done.reason.refusal) };
      return (writer: BinaryWriter) => writeResult(writer, { outcome });
    });
    return encodedList(results, answers, { refused });
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
