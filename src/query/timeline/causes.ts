import { grantsOf } from '../../tables/grants.ts';
import type { WrittenView } from '../../book/view.ts';
import type { Connection } from '../../db/database.ts';
import type { Instant } from '../../instant.ts';
import { POSTING_KINDS, type PostingKind } from '../../ledger/posting.ts';
import type { CreditPromise } from '../../pending/promise.ts';
import type { Grant } from '../../credit/grant.ts';
import type { Cause, CauseKind } from '../../credit/cause.ts';
import type { Point } from '../../credit/timeline.ts';

/** At most so many causes are told of one point: thousands of grants may expire at one instant. */
const CAUSES_LIMIT = 100;

/** Why settled changed, by what was booked. The grant of a consumption is named by its charge's allocations. */
export function causeOfEntry(entry: {
  readonly kind: PostingKind;
  readonly grantId: string | null;
  readonly chargeId: string | null;
}): Cause | null {
  const kind = POSTING_KINDS[entry.kind].cause;
  if (kind === null) return null;
  // A covering is told by the grant that covers, where something else is told of it (see `told`).
  const grantId = entry.chargeId === null || entry.kind === 'COVER' ? entry.grantId : null;
  return { kind, grantId, chargeId: entry.chargeId };
}

/** Why a promise ended: it lapsed, it became credit, or it was called off. */
export function causeOfEnd({ grantId, until, effectiveAt, expiresAt }: CreditPromise): Cause {
  const kind =
    until === expiresAt ? 'GRANT_EXPIRED' : until === effectiveAt ? 'GRANT_EFFECTIVE' : 'GRANT_VOIDED';
  return { kind, grantId, chargeId: null };
}

/** Points with their causes as they are told: by what made a grant credit, each once, bounded. */
export async function withCauses(
  connection: Connection,
  view: WrittenView,
  points: readonly Point[],
): Promise<readonly Point[]> {
  const bounded = points.map((point) => ({ ...point, causes: told(point.causes) }));
  const named = new Set(
    bounded.flatMap(({ causes }) =>
      causes.filter(({ kind }) => kind === 'GRANT_EFFECTIVE').map(({ grantId }) => grantId!),
    ),
  );
  const found = await grantsOf(connection, view, named);
  const grants = new Map(found.map(({ grant }) => [grant.id, grant]));
  return bounded.map((point) => ({
    ...point,
    causes: point.causes.map((cause) =>
      cause.kind === 'GRANT_EFFECTIVE'
        ? { ...cause, kind: madeCredit(grants.get(cause.grantId!)!, point.at) }
        : cause,
    ),
  }));
}

/** What made a grant credit at an instant: time, its payment, or its creation. */
function madeCredit({ effectiveAt, fundedAt, recordedAt }: Grant, at: Instant): CauseKind {
  if (fundedAt === at && effectiveAt < at) return 'GRANT_SETTLEMENT_UPDATED';
  return recordedAt < at ? 'GRANT_EFFECTIVE' : 'GRANT_CREATED';
}

/** Each once. What covers an advance is not told beside another cause about that grant or charge. */
function told(causes: readonly Cause[]): readonly Cause[] {
  const all = new Map(causes.map((cause) => [`${cause.kind} ${cause.grantId} ${cause.chargeId}`, cause]));
  const plain = [...all.values()].filter((cause) => !isCovering(cause));
  const about = new Set(plain.flatMap(({ grantId, chargeId }) => [grantId, chargeId]));
  const coverings = [...all.values()]
    .filter((cause) => isCovering(cause) && !about.has(cause.grantId) && !about.has(cause.chargeId))
    .map((cause) => ({ ...cause, grantId: null }));
  return [...plain, ...coverings].slice(0, CAUSES_LIMIT);
}

/** Only a covering names both. */
const isCovering = ({ grantId, chargeId }: Cause): boolean => grantId !== null && chargeId !== null;
