import type { MessageInitShape } from '@bufbuild/protobuf';
import { ChangeCause, type TimelinePointSchema } from '#gen/credit/v1/balance_pb.ts';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { Point } from '../../credit/timeline.ts';
import { getBalanceTimeline as answerTimeline } from '../../query/get-balance-timeline.ts';
import { askedOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { enumOf, instantOf, timestampOf } from '../wire.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './figures.ts';

const DEFAULT_POINTS = 1_000;
const MOST_POINTS = 10_000;

/** Large enough that round trips do not count, small enough that a hundred callers fit in memory. */
const PIECE_SIZE = 5_000;

export const getBalanceTimeline: Handler<typeof CreditService.method.getBalanceTimeline> = async (
  request,
  deps,
  { signal },
) => {
  const { view, points, total } = await answerTimeline(deps, {
    ...askedOf(request),
    ...(await figuresOf(deps.currencies, request)),
    from: instantOf(request.from)!,
    until: instantOf(request.to)!,
    most: Math.min(request.maxPoints || DEFAULT_POINTS, MOST_POINTS),
    pieceSize: PIECE_SIZE,
    signal,
  });
  return {
    points: points.map(encodePoint),
    totalPoints: BigInt(total),
    thinned: total > points.length,
    version: BigInt(view.version),
    knownAt: timestampOf(view.knownAt),
  };
};

const encodePoint = ({ at, balances, causes }: Point): MessageInitShape<typeof TimelinePointSchema> => ({
  at: timestampOf(at),
  balances: balances.map(encodeBalance),
  causes: causes.map(({ kind, grantId, chargeId }) => ({
    cause: enumOf(ChangeCause, kind),
    grantId: grantId ?? '',
    chargeId: chargeId ?? '',
  })),
});
