import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Remembered } from '../../tables/remembered.ts';
import { listGrants as answerGrants } from '../../query/get-grants.ts';
import type { GrantStatus as Status } from '../../credit/grant.ts';
import {
  GrantStatus,
  ListGrantsRequestSchema,
  type ListGrantsRequest,
  type ListGrantsResponseSchema,
} from '#gen/credit/v1/grant_pb.ts';
import { idPart, pageSizeOf, pageTokens } from '../page-token.ts';
import { momentOfPage, PINNED, pinnedTo } from '../pinned-pages.ts';
import { answerIn } from '../remembered-answer.ts';
import { nameOf, textOf, timestampOf } from '../wire.ts';
import { keyOf, momentOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeGrant } from './encode.ts';

const TOKENS = pageTokens(ListGrantsRequestSchema, { ...PINNED, from: idPart('grt') });

export async function listGrants(
  deps: ServiceDeps,
  request: ListGrantsRequest,
): Promise<MessageInitShape<typeof ListGrantsResponseSchema>> {
  const page = TOKENS.read(request);
  const { view, grants, next } = await answerGrants(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion) },
    ...momentOfPage(momentOf(request), page),
    filter: {
      statuses: request.statuses.map((status) => nameOf<Status>(GrantStatus, status)!),
      currency: textOf(request.currency),
      featureKey: textOf(request.featureKey),
    },
    ...{ idempotencyKey: textOf(request.idempotencyKey), grantOf },
    from: page?.from ?? null,
    limit: pageSizeOf(request),
  });
  return {
    grants: grants.map((grant) => encodeGrant(request.customerId, grant)),
    nextPageToken: next === null ? '' : TOKENS.write(request, { ...pinnedTo(view), from: next }),
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}

/** The grant in the remembered answer of a write, if it is about one. */
function grantOf(remembered: Remembered): string | null {
  const { grant } = answerIn(remembered) as { readonly grant?: { readonly id: string } };
  return grant?.id ?? null;
}
