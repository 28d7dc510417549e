import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Currencies } from '../../tables/currencies.ts';
import type { Figures } from '../../credit/figures.ts';
import type { Moment } from '../../book/view.ts';
import type { FeatureFilter } from '#gen/credit/v1/common_pb.ts';
import type { BalancePart as PartMessage } from '#gen/credit/v1/balance_pb.ts';
import { momentOf, partsOf, scopeOf } from '../decode.ts';
import { namespaceOf } from '../wire.ts';

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
  if (request.currencies.length > 0)
    await Promise.all(
      request.currencies.map((code, i) =>
        currencies.precisionOf(namespaceOf(request), code, `currencies[${i}]`),
      ),
    );
  return {
    ...momentOf(request),
    currencies: request.currencies,
    scope: scopeOf(request.featureFilter),
    parts: partsOf(request.parts),
  };
}
