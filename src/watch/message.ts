import { formatAmount, type Amount } from '../amount.ts';
import type { BookState } from '../credit/book-state.ts';
import { figureOf, type AskedBalance, type BalancePart, type Figures } from '../credit/figures.ts';
import type { Instant } from '../instant.ts';
import type { CauseKind } from '../credit/cause.ts';

/** A figure to be told about when it falls below an amount. */
export type Threshold = { readonly currency: string; readonly part: BalancePart; readonly amount: Amount };

/** Which figures of a book are watched. */
export type Watched = Figures & {
  /** Not empty: only crossing one of them is news. */
  readonly below: readonly Threshold[];
};

/** The whole balance at an instant, as known at a version. Never changed once made: many streams share it. */
export type BalanceMessage = {
  readonly version: number;
  readonly asOf: Instant;
  readonly balances: readonly AskedBalance[];
  /** The thresholds whose figure is below its amount. */
  readonly below: readonly Threshold[];
  readonly causes: readonly CauseKind[];
  readonly heartbeat: boolean;
  /** What is news when it differs: the balances, or with thresholds which of them are crossed. */
  readonly figures: string;
};

/** The figures the thresholds are about, in their order. */
export const thresholdFigures = (state: BookState, { scope, below }: Watched): readonly Amount[] =>
  below.map(({ currency, part }) => figureOf(state, part, currency, scope));

/** One text for the same balances. */
export const printOf = (balances: readonly AskedBalance[]): string =>
  balances
    .map(({ currency, ...figures }) => [currency, ...Object.values(figures).map(formatAmount)].join(' '))
    .join('; ');

/** One text for the same figures of a book, so that streams which want the same share what is made for them. */
export const nameOf = ({ currencies, scope, parts, below }: Watched): string =>
  JSON.stringify([
    currencies,
    scope,
    [...parts].toSorted((a, b) => (a < b ? -1 : 1)),
    below.map(({ currency, part, amount }) => [currency, part, formatAmount(amount)]),
  ]);
