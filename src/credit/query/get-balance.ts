import type { Amount } from '../../amount.ts';
import type { BookKey } from '../../book/book-key.ts';
import { isHistory, type BookView, type Moment } from '../../book/view.ts';
import { stateAt } from '../../book/state-at.ts';
import { settleAll, type Connection } from '../../db/database.ts';
import { sumAmounts } from '../../amount.ts';
import { settledTotals } from '../../ledger/history.ts';
import { promisedAt } from '../../pending/index-reader.ts';
import { sumPromised, type Promised } from '../../pending/stretch.ts';
import { inScope, type Scope } from '../../scope.ts';
import { live, pending, settled } from '../balance.ts';
import type { BookState } from '../book-state.ts';
import { weightThen } from './live-then.ts';
import { ask, askAll, type Asked, type QueryDeps } from './questions.ts';

export type BalancePart = 'settled' | 'live' | 'pending';

/** What of a balance is asked for. */
export type Figures = {
  /** Empty: every currency the customer ever had, as known. */
  readonly currencies: readonly string[];
  readonly scope: Scope;
  readonly parts: ReadonlySet<BalancePart>;
};

export type BalanceQuestion = Asked & Figures;

/** A part not asked for is absent and was not computed. */
export type AskedBalance = { readonly currency: string } & { readonly [Part in BalancePart]?: Amount };

export type BalanceAnswer = { readonly view: BookView; readonly balances: readonly AskedBalance[] };

/**
 * Settled, live and pending of a customer at any instant, as known at any instant. Pending is read from the
 * scheduled-grant index alone, settled and live never touch it.
 */
export const getBalance = (deps: QueryDeps, question: BalanceQuestion): Promise<BalanceAnswer> =>
  ask(deps, question, async (connection, view) => ({
    view,
    balances: await balancesOf(connection, view, question),
  }));

/** The same for many customers, as of one moment. */
export const getBalances = (
  deps: QueryDeps,
  keys: readonly BookKey[],
  { asOf, knownAt, ...figures }: Moment & Figures,
): Promise<readonly BalanceAnswer[]> =>
  askAll(deps, keys, { asOf, knownAt }, async (connection, view) => ({
    view,
    balances: await balancesOf(connection, view, figures),
  }));

/** The figures of a located book at the instant its view is about. */
export async function balancesOf(
  connection: Connection,
  view: BookView,
  figures: Figures,
): Promise<readonly AskedBalance[]> {
  const { scope, parts } = figures;
  const [booked, promised] = await settleAll([
    parts.has('settled') || parts.has('live')
      ? bookedIn(connection, view, scope, parts.has('live'))
      : Promise.resolve(null),
    parts.has('pending') ? promisedIn(connection, view) : Promise.resolve([]),
  ]);
  return balancesFrom(view, figures, booked, promised);
}

type Figure = (currency: string) => Amount;
export type Booked = { readonly settled: Figure; readonly live: Figure };

/** The figures asked for; `booked` may be null where neither settled nor live is. */
export const balancesFrom = (
  view: BookView,
  { currencies, scope, parts }: Figures,
  booked: Booked | null,
  promised: readonly Promised[],
): readonly AskedBalance[] =>
  (currencies.length > 0 ? currencies : view.currencies).map((currency) => ({
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
    ...Object.fromEntries(
      PARTS.filter((part) => parts.has(part)).map((part) => [part, figureOf(state, part, currency, scope)]),
    ),
  }));

const PARTS = ['settled', 'live', 'pending'] as const;

/** Settled and live of a state at the instant it has been advanced to. */
export const bookedOf = (state: BookState, scope: Scope): Booked => ({
  settled: (currency) => settled(state, currency, scope),
  live: (currency) => live(state, currency, scope),
});

/** Settled and live: from the state run forward, or from the journal for the past. */
async function bookedIn(
  connection: Connection,
  view: BookView,
  scope: Scope,
  withLive: boolean,
): Promise<Booked> {
  if (view.id === null || !isHistory(view)) return bookedOf(await stateAt(connection, view), scope);
  const { shard, id: bookId, asOf: at, recordedBy, version } = view;
  const point = { shard, bookId, at, recordedBy, version };
  const [totals, weight] = await settleAll([
    settledTotals(connection, point),
    withLive ? weightThen(connection, view, point) : Promise.resolve(() => 0n),
  ]);
  const settledThen: Figure = (currency) =>
    sumAmounts(
      totals
        .filter((total) => total.currency === currency && inScope(scope, total.featureKeys))
        .map((total) => total.amount),
    );
  return {
    settled: settledThen,
    live: (currency) => settledThen(currency) - weight(currency, scope),
  };
}

async function promisedIn(connection: Connection, view: BookView): Promise<readonly Promised[]> {
  const { shard, id, version, asOf } = view;
  return id === null ? [] : promisedAt(connection, { shard, id, version }, asOf);
}
