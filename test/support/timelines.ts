import type { Instant } from '../../src/instant.ts';
import type { Scope } from '../../src/scope.ts';
import type { Caller } from './caller.ts';
import { filterOf } from './figures.ts';
import { CURRENCIES } from './histories.ts';
import { at } from './requests.ts';
import type { Json } from './service.ts';

/** A window, `to` exclusive, and how it is known; left out: all that is known. */
export type Window = { readonly from: Instant; readonly to: Instant; readonly knownAt?: Instant };

/** A timeline as the service answers it, in every currency. */
export const timelineOf = (
  caller: Caller,
  customerId: string,
  { from, to, knownAt }: Window,
  scope: Scope,
  more: object = {},
): Promise<Json> =>
  caller.answer('GetBalanceTimeline', {
    customerId,
    currencies: CURRENCIES,
    from: at(from),
    to: at(to),
    ...filterOf(scope),
    ...(knownAt !== undefined && { knownAt: at(knownAt) }),
    maxPoints: 10_000,
    ...more,
  });

/** The instant of a point. */
export const when = (point: Json): Instant => Date.parse(point['at']);

/** What a timeline says the balances are at an instant of its window. */
export const balancesAt = ({ points }: Json, instant: Instant): readonly Json[] =>
  (points as Json[]).findLast((point) => when(point) <= instant)!['balances'];

/** The causes of a point, as `GRANT_EXPIRED grt_…`. */
export const causesOf = ({ causes = [] }: Json): readonly string[] =>
  causes.map(({ cause, grantId = '', chargeId = '' }: Json) =>
    [cause.replace('CHANGE_CAUSE_', ''), grantId, chargeId].filter(Boolean).join(' '),
  );
