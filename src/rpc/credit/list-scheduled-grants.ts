import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount } from '../../amount.ts';
import { listScheduledGrants as answerSchedule } from '../../query/list-scheduled-grants.ts';
import { NEVER } from '../../instant.ts';
import type { Scheduled } from '../../pending/window.ts';
import {
  ListScheduledGrantsRequestSchema,
  type ListScheduledGrantsRequest,
  type ListScheduledGrantsResponseSchema,
  type ScheduledGrantSchema,
} from '#gen/credit/v1/scheduled_grant_pb.ts';
import { idPart, INSTANT_OR_NEVER, pageSizeOf, pageTokens } from '../page-token.ts';
import { momentOfPage, PINNED, pinnedTo, type Pinned } from '../pinned-pages.ts';
import { instantOf, textOf, timestampOf } from '../wire.ts';
import { namespaceOf, scopeOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

/** A namespace has no version, and what is scheduled in it is told as known now. */
const OF_A_NAMESPACE: Pinned = { asOf: 0, knownAt: 0, version: 0 };

const TOKENS = pageTokens(ListScheduledGrantsRequestSchema, {
  ...PINNED,
  ...{ from: INSTANT_OR_NEVER, effectiveAt: INSTANT_OR_NEVER, grantId: idPart('grt') },
});

export async function listScheduledGrants(
  deps: ServiceDeps,
  request: ListScheduledGrantsRequest,
): Promise<MessageInitShape<typeof ListScheduledGrantsResponseSchema>> {
  const cursor = TOKENS.read(request);
  const { scheduled, more, version, view } = await answerSchedule(deps, {
    namespace: namespaceOf(request),
    customerId: textOf(request.customerId),
    minVersion: Number(request.minVersion),
    moment: momentOfPage({ asOf: null, knownAt: null }, cursor),
    // A page goes on from where the first began, so that time passing between pages hides nothing.
    from: cursor?.from ?? instantOf(request.from),
    until: instantOf(request.to) ?? NEVER,
    currency: textOf(request.currency),
    scope: scopeOf(request.featureFilter),
    after: cursor ?? null,
    limit: pageSizeOf(request),
  });
  const last = scheduled.at(-1);
  const next = (row: Scheduled) =>
    TOKENS.write(request, {
      ...(view === null ? OF_A_NAMESPACE : pinnedTo(view)),
      from: cursor?.from ?? instantOf(request.from) ?? scheduled[0]!.effectiveAt,
      ...{ effectiveAt: row.effectiveAt, grantId: row.grantId },
    });
  return {
    scheduledGrants: scheduled.map(encodeScheduled),
    nextPageToken: more && last !== undefined ? next(last) : '',
    version: BigInt(version),
  };
}

const encodeScheduled = (row: Scheduled): MessageInitShape<typeof ScheduledGrantSchema> => ({
  customerId: row.customerId,
  grantId: row.grantId,
  currency: row.currency,
  amount: formatAmount(row.amount),
  featureKeys: [...row.featureKeys],
  pendingFrom: timestampOf(row.from),
  pendingUntil: timestampOf(row.until),
  takesEffectAt: timestampOf(row.effectiveAt),
  expiresAt: timestampOf(row.expiresAt),
});
