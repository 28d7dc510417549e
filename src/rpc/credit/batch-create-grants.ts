import type { CallContext } from '../call/context.ts';
import type { BatchCreateGrantsRequest, BatchCreateGrantsResponseSchema } from '#gen/credit/v1/batch_pb.ts';
import { CreateGrantRequestSchema } from '#gen/credit/v1/grant_pb.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { answerEach, itemsOf } from './batch.ts';
import { keyOf } from '../decode.ts';
import { prepare } from './create-grant.ts';
import type { ServiceDeps } from '../deps.ts';

export async function batchCreateGrants(
  deps: ServiceDeps,
  request: BatchCreateGrantsRequest,
  context: CallContext,
): Promise<MessageInitShape<typeof BatchCreateGrantsResponseSchema>> {
  const items = itemsOf(request);
  deps.books.assertInTime(items.map(keyOf), context.deadlineMs ?? null);
  const outcomes = await answerEach(
    deps.validate,
    CreateGrantRequestSchema,
    items,
    (item) => prepare(deps, item, context),
    (_, submission) => deps.books.submit(submission),
  );
  return {
    results: outcomes.map((outcome) => {
      if ('error' in outcome) return { outcome: { case: 'error' as const, value: outcome.error } };
      const { grant, balance, version, recordedAt, replayed } = outcome.answer;
      return { outcome: { case: 'grant' as const, value: grant! }, balance, version, recordedAt, replayed };
    }),
  };
}
