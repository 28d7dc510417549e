import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Currencies } from '../../book/currencies.ts';
import {
  getBalance as answerBalance,
  getBalances as answerBalances,
  type BalancePart,
  type BalanceQuestion,
} from '../../credit/query/get-balance.ts';
import type { FeatureFilter } from '#gen/credit/v1/common_pb.ts';
import {
  BalancePart as PartMessage,
  type BatchGetBalancesRequest,
  type BatchGetBalancesResponseSchema,
  type GetBalanceRequest,
  type GetBalanceResponseSchema,
} from '#gen/credit/v1/balance_pb.ts';
import { timestampOf } from '../wire.ts';
import { keyOf, momentOf, namespaceOf, scopeOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';
import { encodeBalance } from './encode.ts';

export async function getBalance(
  deps: ServiceDeps,
  request: GetBalanceRequest,
): Promise<MessageInitShape<typeof GetBalanceResponseSchema>> {
  const asked = await figuresOf(deps.currencies, request);
  const key = keyOf(request);
  const { view, balances } = await answerBalance(deps, {
    ...{ key, minVersion: Number(request.minVersion) },
    ...asked,
  });
  return {
    balances: balances.map(encodeBalance),
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}

/** All customers as of one moment. */
export async function batchGetBalances(
  deps: ServiceDeps,
  request: BatchGetBalancesRequest,
): Promise<MessageInitShape<typeof BatchGetBalancesResponseSchema>> {
  const asked = await figuresOf(deps.currencies, request);
  const namespace = namespaceOf(request);
  const keys = request.customerIds.map((customerId) => ({ namespace, customerId }));
  const answers = await answerBalances(deps, keys, asked);
  // A book that has been written this very millisecond may be ahead of the clock: the moment is the latest of all.
  const latest = (of: 'asOf' | 'knownAt') => Math.max(...answers.map(({ view }) => view[of]));
  return {
    results: answers.map(({ view, balances }) => ({
      customerId: view.key.customerId,
      version: BigInt(view.version),
      balances: balances.map(encodeBalance),
    })),
    asOf: timestampOf(latest('asOf')),
    knownAt: timestampOf(latest('knownAt')),
  };
}

const PARTS: Readonly<Record<number, BalancePart>> = {
  [PartMessage.SETTLED]: 'settled',
  [PartMessage.LIVE]: 'live',
  [PartMessage.PENDING]: 'pending',
};
const ALL_PARTS: ReadonlySet<BalancePart> = new Set(Object.values(PARTS));

/** What balances are asked for, now unless the request has instants; UNKNOWN_CURRENCY where there is no such currency. */
export async function figuresOf(
  currencies: Currencies,
  request: {
    readonly namespace: string;
    readonly currencies: readonly string[];
    readonly featureFilter?: FeatureFilter | undefined;
    readonly parts: readonly PartMessage[];
    readonly asOf?: Timestamp | undefined;
    readonly knownAt?: Timestamp | undefined;
  },
): Promise<Omit<BalanceQuestion, 'key' | 'minVersion'>> {
  await Promise.all(
    request.currencies.map((code, i) =>
      currencies.precisionOf(namespaceOf(request), code, `currencies[${i}]`),
    ),
  );
  const parts = request.parts.map((part) => PARTS[part]!);
  return {
    currencies: request.currencies,
    scope: scopeOf(request.featureFilter),
    parts: parts.length === 0 ? ALL_PARTS : new Set(parts),
    ...momentOf(request),
  };
}
