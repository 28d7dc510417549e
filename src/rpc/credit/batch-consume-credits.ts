import type { CallContext } from '../call/context.ts';
import type {
  BatchConsumeCreditsRequest,
  BatchConsumeCreditsResponseSchema,
} from '#gen/credit/v1/batch_pb.ts';
import { ConsumeCreditsRequestSchema } from '#gen/credit/v1/consumption_pb.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { answerEach, itemsOf } from './batch.ts';
import { keyOf } from '../decode.ts';
import { perform, prepare } from './consume-credits.ts';
import type { ServiceDeps } from '../deps.ts';

export async function batchConsumeCredits(
  deps: ServiceDeps,
  request: BatchConsumeCreditsRequest,
  context: CallContext,
): Promise<MessageInitShape<typeof BatchConsumeCreditsResponseSchema>> {
  const items = itemsOf(request);
  deps.books.assertInTime(items.map(keyOf), context.deadlineMs ?? null);
  const outcomes = await answerEach(
    deps.validate,
    ConsumeCreditsRequestSchema,
    items,
    (item) => prepare(deps, item, context),
    (item, submission) => perform(deps, item, submission),
    // A dry run sees what stands before it in the batch, and nothing behind it.
    ({ dryRun }) => dryRun,
  );
  return {
    results: outcomes.map((outcome) => {
      if ('error' in outcome) return { outcome: { case: 'error' as const, value: outcome.error } };
      const { charge, collection, balance, version, recordedAt, replayed } = outcome.answer;
      const facts = { collection, balance, version, recordedAt, replayed };
      return { outcome: { case: 'charge' as const, value: charge! }, ...facts };
    }),
  };
}
