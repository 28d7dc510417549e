import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetBalanceRequest, GetBalanceResponseSchema } from '#gen/credit/v1/balance_pb.ts';
import { timestampOf } from '../wire.ts';
import { keyOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './figures.ts';

export async function getBalance(
  deps: ServiceDeps,
  request: GetBalanceRequest,
): Promise<MessageInitShape<typeof GetBalanceResponseSchema>> {
  const asked = await figuresOf(deps.currencies, request);
  const key = keyOf(request);
  const { view, balances } = await deps.balances.get({
    key,
    minVersion: Number(request.minVersion),
    ...asked,
  });
  return {
    balances: balances.map(encodeBalance),
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}
