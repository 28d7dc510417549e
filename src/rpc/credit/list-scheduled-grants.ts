import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import {
  ListScheduledGrantsRequestSchema,
  type ScheduledGrantSchema,
} from '#gen/credit/v1/scheduled_grant_pb.ts';
import { formatAmount } from '../../amount.ts';
import { NEVER } from '../../instant.ts';
import type { Scheduled } from '../../pending/window.ts';
import { listScheduledGrants as answerSchedule } from '../../query/list-scheduled-grants.ts';
import { scopeOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { idPart, INSTANT_OR_NEVER, pageSizeOf, pageTokens } from '../page-token.ts';
import { ofPage, PINNED, pinnedTo, type Pinned } from '../pinned-pages.ts';
import { instantOf, namespaceOf, textOf, timestampOf } from '../wire.ts';

/** A namespace has no version, and what is scheduled in it is told as known now. */
const OF_A_NAMESPACE: Pinned = { asOf: 0, knownAt: 0, version: 0 };

const TOKENS = pageTokens(ListScheduledGrantsRequestSchema, {
  ...PINNED,
  from: INSTANT_OR_NEVER,
  effectiveAt: INSTANT_OR_NEVER,
  grantId: idPart('grt'),
});

export const listScheduledGrants: Handler<typeof CreditService.method.listScheduledGrants> = async (
  request,
  deps,
) => {
  const page = TOKENS.read(request);
  // A page goes on from where the first began, so that time passing between pages hides nothing.
  const from = page?.from ?? instantOf(request.from);
  const { scheduled, more, view } = await answerSchedule(deps, {
    namespace: namespaceOf(request),
    customerId: textOf(request.customerId),
    minVersion: Number(request.minVersion),
    moment: ofPage({ asOf: null, knownAt: null }, page),
    from,
    until: instantOf(request.to) ?? NEVER,
    currency: textOf(request.currency),
    scope: scopeOf(request.featureFilter),
    after: page ?? null,
    limit: pageSizeOf(request),
  });
  const next = ({ effectiveAt, grantId }: Scheduled) => ({
    ...(view === null ? OF_A_NAMESPACE : pinnedTo(view)),
    from: from ?? scheduled[0]!.effectiveAt,
    effectiveAt,
    grantId,
  });
  return {
    scheduledGrants: scheduled.map(encodeScheduled),
    nextPageToken: TOKENS.write(request, more ? next(scheduled.at(-1)!) : null),
    version: BigInt(view?.version ?? 0),
  };
};

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
