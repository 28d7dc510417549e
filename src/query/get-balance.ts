import { isHistory, type BookView, type Moment } from '../book/view.ts';
import { stateAt } from '../book/state-at.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { settledAt } from '../ledger/settled.ts';
import { promisedAt } from '../pending/index-reader.ts';
import type { Promised } from '../pending/promise.ts';
import type { Scope } from '../scope.ts';
import {
  balancesFrom,
  bookedOf,
  type AskedBalance,
  type Booked,
  type Figure,
  type Figures,
} from '../credit/figures.ts';
import { weightThen } from './standing.ts';
import { ask, askAll, type Asked, type AskedBook, type QueryDeps } from '../book/questions.ts';

export type BalanceQuestion = Asked & Figures;

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
  books: readonly AskedBook[],
  { asOf, knownAt, ...figures }: Moment & Figures,
): Promise<readonly BalanceAnswer[]> =>
  askAll(deps, books, { asOf, knownAt }, async (connection, view) => ({
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
  return balancesFrom(view.currencies, figures, booked, promised);
}

/** Settled and live: from the state run forward, or from the journal for the past. */
async function bookedIn(
  connection: Connection,
  view: BookView,
  scope: Scope,
  withLive: boolean,
): Promise<Booked> {
  if (view.bookId === null || !isHistory(view)) return bookedOf(await stateAt(connection, view), scope);
  const [settled, weight] = await settleAll([
    settledAt(connection, { ...view, scope, currency: null }, [view.asOf]),
    withLive ? weightThen(connection, view) : Promise.resolve(() => 0n),
  ]);
  const settledThen: Figure = (currency) => settled.find((sum) => sum.currency === currency)?.amount ?? 0n;
  return { settled: settledThen, live: (currency) => settledThen(currency) - weight(currency, scope) };
}

async function promisedIn(connection: Connection, view: BookView): Promise<readonly Promised[]> {
  return view.bookId === null ? [] : promisedAt(connection, view, view.asOf);
}
