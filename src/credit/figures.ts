import type { Amount } from '../amount.ts';
import { sumPromised, type Promised } from '../pending/promise.ts';
import type { Scope } from '../scope.ts';
import { live, pending, settled } from './balance.ts';
import type { BookState } from './book-state.ts';

export const PARTS = ['settled', 'live', 'pending'] as const;

export type BalancePart = (typeof PARTS)[number];

/** What of a balance is asked for. */
export type Figures = {
  /** Empty: every currency the customer ever had, as known. */
  readonly currencies: readonly string[];
  readonly scope: Scope;
  readonly parts: ReadonlySet<BalancePart>;
};

/** Whether nothing is left out: every figure of every currency, over everything. */
export const asksWhole = ({ currencies, scope, parts }: Figures): boolean =>
  currencies.length === 0 && scope.kind === 'all' && parts.size === PARTS.length;

/** Whether any is asked for that entries and charges decide, and the scheduled-grant index does not. */
export const asksBooked = ({ parts }: Pick<Figures, 'parts'>): boolean =>
  parts.has('settled') || parts.has('live');

/** A part not asked for is absent and was not computed. */
export type AskedBalance = { readonly currency: string } & { readonly [Part in BalancePart]?: Amount };

/** An amount by currency. */
export type Figure = (currency: string) => Amount;
export type Booked = { readonly settled: Figure; readonly live: Figure };

/** The figures asked for; `booked` may be null where neither settled nor live is. `known` are the customer's currencies. */
export const balancesFrom = (
  known: readonly string[],
  { currencies, scope, parts }: Figures,
  booked: Booked | null,
  promised: readonly Promised[],
): readonly AskedBalance[] =>
  (currencies.length > 0 ? currencies : known).map((currency) => ({
    currency,
    ...(booked !== null && parts.has('settled') && { settled: booked.settled(currency) }),
    ...(booked !== null && parts.has('live') && { live: booked.live(currency) }),
    ...(parts.has('pending') && { pending: sumPromised(promised, currency, scope) }),
  }));

const OF_STATE = { settled, live, pending };

/** One figure of a state at the instant it has been advanced to. */
export const figureOf = (state: BookState, part: BalancePart, currency: string, scope: Scope): Amount =>
  OF_STATE[part](state, currency, scope);

/** All the figures asked for, of a state alone: pending, too, is what its scheduled grants promise. */
export const balancesIn = (
  state: BookState,
  known: readonly string[],
  { currencies, scope, parts }: Figures,
): readonly AskedBalance[] =>
  (currencies.length > 0 ? currencies : known).map((currency) => ({
    currency,
    ...(parts.has('settled') && { settled: settled(state, currency, scope) }),
    ...(parts.has('live') && { live: live(state, currency, scope) }),
    ...(parts.has('pending') && { pending: pending(state, currency, scope) }),
  }));

/** Settled and live of a state at the instant it has been advanced to. */
export const bookedOf = (state: BookState, scope: Scope): Booked => ({
  settled: (currency) => settled(state, currency, scope),
  live: (currency) => live(state, currency, scope),
});
