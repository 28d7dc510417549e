import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Currencies } from '../../tables/currencies.ts';
import type { Figures } from '../../credit/figures.ts';
import type { Moment } from '../../book/view.ts';
import { refuseFields } from '../../refusal.ts';
import type { FeatureFilter } from '#gen/credit/v1/common_pb.ts';
import type {
  BalancePart as PartMessage,
  BatchGetBalancesRequest,
  BatchGetBalancesResponseSchema,
  GetBalanceRequest,
  GetBalanceResponseSchema,
} from '#gen/credit/v1/balance_pb.ts';
import { timestampOf } from '../wire.ts';
import { keyOf, momentOf, namespaceOf, partsOf, scopeOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { encodeBalance } from './encode.ts';

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

/** All customers as of one moment. */
export async function batchGetBalances(
  deps: ServiceDeps,
  request: BatchGetBalancesRequest,
): Promise<MessageInitShape<typeof BatchGetBalancesResponseSchema>> {
  const asked = await figuresOf(deps.currencies, request);
  const namespace = namespaceOf(request);
  const minVersions = minVersionsOf(request);
  const books = request.customerIds.map((customerId) => ({
    key: { namespace, customerId },
    minVersion: minVersions.get(customerId) ?? 0,
  }));
  const answers = await deps.balances.getMany(books, asked);
  // A book that has been written this very millisecond may be ahead of the clock: the moment is the latest of all.
  const latest = (of: 'asOf' | 'knownAt') => Math.max(...answers.map(({ view }) => view[of]));
  return {
    results: answers.map(({ view, balances }) => ({
      customerId: view.key.customerId,
      version: BigInt(view.version),
      balances: balances.map(encodeBalance),
      knownAt: timestampOf(view.knownAt),
    })),
    asOf: timestampOf(latest('asOf')),
    knownAt: timestampOf(latest('knownAt')),
  };
}

/** By customer; one that is not asked about is refused, or a misspelt id would ask for nothing. */
function minVersionsOf({ customerIds, minVersions }: BatchGetBalancesRequest): ReadonlyMap<string, number> {
  const asked = new Set(customerIds);
  const strangers = Object.keys(minVersions).filter((customerId) => !asked.has(customerId));
  if (strangers.length > 0) {
    refuseFields(
      strangers.map((customerId) => ({
        field: `min_versions["${customerId}"]`,
        rule: 'min_versions.of_customers',
        message: 'is not among customer_ids',
      })),
    );
  }
  return new Map(Object.entries(minVersions).map(([customerId, version]) => [customerId, Number(version)]));
}

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
): Promise<Moment & Figures> {
  await Promise.all(
    request.currencies.map((code, i) =>
      currencies.precisionOf(namespaceOf(request), code, `currencies[${i}]`),
    ),
  );
  return {
    currencies: request.currencies,
    scope: scopeOf(request.featureFilter),
    parts: partsOf(request.parts),
    ...momentOf(request),
  };
}
