import { parseAmount, type Amount } from '../amount.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { Currencies } from '../tables/currencies.ts';
import type { Moment } from '../book/view.ts';
import { checkPrecision } from '../credit/precision.ts';
import type { BalancePart } from '../credit/figures.ts';
import { notFound, type NamedKind } from '../query/named.ts';
import type { Tax } from '../ledger/account.ts';
import { ALL, type Scope } from '../scope.ts';
import { isId } from '../id.ts';
import { BalancePart as PartMessage } from '#gen/credit/v1/balance_pb.ts';
import type { FeatureFilter, Tax as TaxMessage } from '#gen/credit/v1/common_pb.ts';
import { TaxBehavior } from '#gen/credit/v1/common_pb.ts';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { instantOf, nameOf } from './wire.ts';

/** What requests have in common, from validated messages to the terms of the core. */

const DEFAULT_NAMESPACE = 'default';

export const keyOf = (request: { namespace: string; customerId: string }): BookKey => ({
  namespace: namespaceOf(request),
  customerId: request.customerId,
});

export const namespaceOf = ({ namespace }: { namespace: string }): string =>
  namespace === '' ? DEFAULT_NAMESPACE : namespace;

export const momentOf = (request: {
  asOf?: Timestamp | undefined;
  knownAt?: Timestamp | undefined;
}): Moment => ({
  asOf: instantOf(request.asOf),
  knownAt: instantOf(request.knownAt),
});

export function scopeOf(filter: FeatureFilter | undefined): Scope {
  const asked = filter?.filter;
  if (asked?.case === 'featureKey') return { kind: 'feature', featureKey: asked.value };
  return asked?.case === 'unrestricted' ? { kind: 'unrestricted' } : ALL;
}

const PARTS: Readonly<Record<number, BalancePart>> = {
  [PartMessage.SETTLED]: 'settled',
  [PartMessage.LIVE]: 'live',
  [PartMessage.PENDING]: 'pending',
};
const ALL_PARTS: ReadonlySet<BalancePart> = new Set(Object.values(PARTS));

/** The figures asked for; none named: all. */
export const partsOf = (parts: readonly PartMessage[]): ReadonlySet<BalancePart> =>
  parts.length === 0 ? ALL_PARTS : new Set(parts.map((part) => PARTS[part]!));

export const taxOf = (tax: TaxMessage | undefined): Tax | null =>
  tax === undefined
    ? null
    : { code: tax.code, behavior: nameOf<'INCLUSIVE' | 'EXCLUSIVE'>(TaxBehavior, tax.behavior) };

/** An amount in a currency that exists, with no more decimals than it has. */
export async function amountOf(
  currencies: Currencies,
  request: { readonly namespace: string; readonly currency: string; readonly amount: string },
): Promise<{ readonly currency: string; readonly precision: number; readonly amount: Amount }> {
  const { currency } = request;
  const precision = await currencies.precisionOf(namespaceOf(request), currency, 'currency');
  const amount = parseAmount(request.amount);
  checkPrecision({ currency, precision }, amount);
  return { currency, precision, amount };
}

/** A filter's currency, which must be one there is; empty: null, any. */
export async function currencyOf(
  currencies: Currencies,
  request: { readonly namespace: string; readonly currency: string },
): Promise<string | null> {
  if (request.currency === '') return null;
  await currencies.precisionOf(namespaceOf(request), request.currency, 'currency');
  return request.currency;
}

/** A text that can only name a grant, charge, transaction or account; anything else names none that exists. */
export const idOfKind = (prefix: NamedKind, id: string): string =>
  isId(prefix, id) ? id : notFound(prefix, id);

/** The same of a filter; empty: null, any. */
export const filterOfKind = (prefix: NamedKind, id: string): string | null =>
  id === '' ? null : idOfKind(prefix, id);
