import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { GrantStatus, ListGrantsRequestSchema } from '#gen/credit/v1/grant_pb.ts';
import { listGrants as answerGrants } from '../../query/list-grants.ts';
import type { Remembered } from '../../tables/remembered.ts';
import { askedAt } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { idPart, pageSizeOf, pageTokens } from '../page-token.ts';
import { ofPage, PINNED, pinnedTo } from '../pinned-pages.ts';
import { momentFacts, namesOf, textOf } from '../wire.ts';
import { answerIn } from '../write.ts';
import { encodeGrant } from './encode.ts';

const TOKENS = pageTokens(ListGrantsRequestSchema, { ...PINNED, from: idPart('grt') });

export const listGrants: Handler<typeof CreditService.method.listGrants> = async (request, deps) => {
  const page = TOKENS.read(request);
  const { view, rows, next } = await answerGrants(deps, {
    ...ofPage(askedAt(request), page),
    filter: {
      statuses: namesOf(GrantStatus, request.statuses),
      currency: textOf(request.currency),
      featureKey: textOf(request.featureKey),
      actor: textOf(request.actor),
    },
    idempotencyKey: textOf(request.idempotencyKey),
    grantOf,
    from: page?.from ?? null,
    limit: pageSizeOf(request),
  });
  return {
    grants: rows.map(({ found, actor }) => encodeGrant(request.customerId, found, actor)),
    nextPageToken: TOKENS.write(request, next === null ? null : { ...pinnedTo(view), from: next }),
    ...momentFacts(view),
  };
};

/** The grant in the remembered answer of a write, if it is about one. */
function grantOf(remembered: Remembered): string | null {
  const { grant } = answerIn(remembered) as { readonly grant?: { readonly id: string } };
  return grant?.id ?? null;
}
