import type { BatchGetBalancesRequest } from '#gen/credit/v1/balance_pb.ts';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { refuseFields } from '../../refusal.ts';
import type { Handler } from '../handler.ts';
import { namespaceOf, timestampOf } from '../wire.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './figures.ts';

/** All customers as of one moment. */
export const batchGetBalances: Handler<typeof CreditService.method.batchGetBalances> = async (
  request,
  deps,
  { signal },
) => {
  const figures = await figuresOf(deps.currencies, request);
  const namespace = namespaceOf(request);
  const minVersions = minVersionsOf(request);
  const books = request.customerIds.map((customerId) => ({
    key: { namespace, customerId },
    minVersion: minVersions.get(customerId) ?? 0,
  }));
  const answers = await deps.balances.getMany(books, figures, signal);
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
};

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
