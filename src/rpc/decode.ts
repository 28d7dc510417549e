import { parseAmount, type Amount } from '../amount.ts';
import type { Asked } from '../book/questions.ts';
import type { Moment } from '../book/view.ts';
import { checkPrecision } from '../credit/precision.ts';
import type { BalancePart } from '../credit/figures.ts';
import { isId } from '../id.ts';
import { notFound, type NamedKind } from '../query/assert-named.ts';
import { ALL, type Scope } from '../scope.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { Currencies } from '../tables/currencies.ts';
import { BalancePart as PartMessage } from '#gen/credit/v1/balance_pb.ts';
import type { FeatureFilter } from '#gen/credit/v1/common_pb.ts';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { instantOf, namespaceOf } from './wire.ts';

/** What requests have in common, from validated messages to the terms of the core. */

type Addressed = { readonly namespace: string; readonly customerId: string };
type Timed = { readonly asOf?: Timestamp | undefined; readonly knownAt?: Timestamp | undefined };
type Versioned = { readonly minVersion: bigint };

export const keyOf = (request: Addressed): BookKey => ({
  namespace: namespaceOf(request),
  customerId: request.customerId,
});

export const momentOf = (request: Timed): Moment => ({
  asOf: instantOf(request.asOf),
  knownAt: instantOf(request.knownAt),
});

/** The book a question is about, as it is now; at least as new as the caller has seen it. */
export const askedOf = (request: Addressed & Versioned): Pick<Asked, 'key' | 'minVersion'> => ({
  key: keyOf(request),
  minVersion: Number(request.minVersion),
});

/** The same as of the moment the question names. */
export const askedAt = (request: Addressed & Versioned & Timed): Asked => ({
  ...askedOf(request),
  ...momentOf(request),
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

type InCurrency = { readonly namespace: string; readonly currency: string };

/** An amount in a currency that exists, with no more decimals than it has; `at` is where in the request they stand. */
export async function amountOf(
  currencies: Currencies,
  request: InCurrency & { readonly amount: string },
  at = '',
): Promise<{ readonly currency: string; readonly precision: number; readonly amount: Amount }> {
  const { currency } = request;
  const precision = await currencies.precisionOf(namespaceOf(request), currency, `${at}currency`);
  const amount = parseAmount(request.amount);
  checkPrecision({ currency, precision }, amount, `${at}amount`);
  return { currency, precision, amount };
}

/** A currency that must be one there is. */
export async function currencyOf(currencies: Currencies, request: InCurrency): Promise<string> {
  await currencies.precisionOf(namespaceOf(request), request.currency, 'currency');
  return request.currency;
}

/** The same of a filter; empty: null, any. */
export const filterOfCurrency = async (currencies: Currencies, request: InCurrency): Promise<string | null> =>
  request.currency === '' ? null : currencyOf(currencies, request);

/** A text that can only name a grant, charge, transaction or account; anything else names none that exists. */
export const idOfKind = (prefix: NamedKind, id: string): string =>
  isId(prefix, id) ? id : notFound(prefix, id);

/** The same of a filter; empty: null, any. */
export const filterOfKind = (prefix: NamedKind, id: string): string | null =>
  id === '' ? null : idOfKind(prefix, id);
