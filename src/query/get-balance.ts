import { isHistory, type BookView, type Moment } from '../book/view.ts';
import { stateAt } from '../book/state-at.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { settledAt } from '../ledger/settled.ts';
import { promisedAt } from '../pending/index-reader.ts';
import {
  asksBooked,
  balancesFrom,
  bookedOf,
  type AskedBalance,
  type Booked,
  type Figure,
  type Figures,
} from '../credit/figures.ts';
import { weightThen } from './standing.ts';
import { ask, askAll, type Asked, type AskedBook, type QueryDeps, type Viewed } from '../book/questions.ts';

export type BalanceQuestion = Asked & Figures;

export type BalanceAnswer = Viewed<{ readonly balances: readonly AskedBalance[] }>;

/**
 * Settled, live and pending of a customer at any instant, as known at any instant. Pending is read from the
 * scheduled-grant index alone, settled and live never touch it.
 */
export const getBalance = (deps: QueryDeps, question: BalanceQuestion): Promise<BalanceAnswer> =>
  ask(deps, question, async (connection, view) => ({
    balances: await balancesOf(connection, view, question),
  }));

/** The same for many customers, as of one moment. */
export const getBalances = (
  deps: QueryDeps,
  books: readonly AskedBook[],
  asked: Moment & Figures,
): Promise<readonly BalanceAnswer[]> =>
  askAll(deps, books, asked, async (connection, view) => ({
    balances: await balancesOf(connection, view, asked),
  }));

/** The figures of a located book at the instant its view is about. */
export async function balancesOf(
  connection: Connection,
  view: BookView,
  figures: Figures,
): Promise<readonly AskedBalance[]> {
  const [booked, promised] = await awaitAll([
    asksBooked(figures) ? bookedIn(connection, view, figures) : Promise.resolve(null),
    view.bookId !== null && figures.parts.has('pending')
      ? promisedAt(connection, view, view.asOf)
      : Promise.resolve([]),
  ]);
  return balancesFrom(view.currencies, figures, booked, promised);
}

/** Settled and live: from the state run forward, or from the journal for the past. */
async function bookedIn(connection: Connection, view: BookView, { scope, parts }: Figures): Promise<Booked> {
  if (view.bookId === null || !isHistory(view)) return bookedOf(await stateAt(connection, view), scope);
  const [settled, weight] = await awaitAll([
    settledAt(connection, { ...view, scope, currency: null }, [view.asOf]),
    parts.has('live') ? weightThen(connection, view) : Promise.resolve(() => 0n),
  ]);
  const settledThen: Figure = (currency) => settled.find((sum) => sum.currency === currency)?.amount ?? 0n;
  return { settled: settledThen, live: (currency) => settledThen(currency) - weight(currency, scope) };
}
