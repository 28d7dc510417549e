import type { MessageInitShape } from '@bufbuild/protobuf';
import { getGrant as answerGrant } from '../../query/get-grants.ts';
import type { GetGrantRequest, GetGrantResponseSchema } from '#gen/credit/v1/grant_pb.ts';
import { timestampOf } from '../wire.ts';
import { idOfKind, keyOf, momentOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeGrant } from './encode.ts';

export async function getGrant(
  deps: ServiceDeps,
  request: GetGrantRequest,
): Promise<MessageInitShape<typeof GetGrantResponseSchema>> {
  const { view, grant } = await answerGrant(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion), ...momentOf(request) },
    grantId: idOfKind('grt', request.grantId),
  });
  return {
    grant: encodeGrant(request.customerId, grant),
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}
