import type { Amount } from '../../amount.ts';
import type { BookKey } from '../../book/book-key.ts';
import { isHistory, type BookView } from '../../book/view.ts';
import { stateAt } from '../../book/state-at.ts';
import { settleAll, type Connection } from '../../db/database.ts';
import { sumAmounts } from '../../amount.ts';
import { settledTotals } from '../../ledger/history.ts';
import { promisedAt } from '../../pending/index-reader.ts';
import { sumPromised } from '../../pending/stretch.ts';
import { inScope, type Scope } from '../../scope.ts';
import { live, settled } from '../balance.ts';
import { weightThen } from './live-then.ts';
import { ask, askAll, type Asked, type QueryDeps } from './questions.ts';

export type BalancePart = 'settled' | 'live' | 'pending';

export type BalanceQuestion = Asked & {
  /** Empty: every currency the customer ever had, as known. */
  readonly currencies: readonly string[];
  readonly scope: Scope;
  readonly parts: ReadonlySet<BalancePart>;
};

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
  { asOf, knownAt, ...figures }: Omit<BalanceQuestion, 'key' | 'minVersion'>,
): Promise<readonly BalanceAnswer[]> =>
  askAll(deps, keys, { asOf, knownAt }, async (connection, view) => ({
    view,
    balances: await balancesOf(connection, view, figures),
  }));

/** The figures of a located book at the instant its view is about. */
export async function balancesOf(
  connection: Connection,
  view: BookView,
  { currencies, scope, parts }: Pick<BalanceQuestion, 'currencies' | 'scope' | 'parts'>,
): Promise<readonly AskedBalance[]> {
  const [booked, promised] = await settleAll([
    bookedIn(connection, view, scope, parts),
    parts.has('pending') ? promisedIn(connection, view, scope) : Promise.resolve(null),
  ]);
  return (currencies.length > 0 ? currencies : view.currencies).map((currency) => ({
    currency,
    ...(booked.settled !== null && { settled: booked.settled(currency) }),
    ...(booked.live !== null && { live: booked.live(currency) }),
    ...(promised !== null && { pending: promised(currency) }),
  }));
}

type Figure = (currency: string) => Amount;
type Booked = { readonly settled: Figure | null; readonly live: Figure | null };

/** Settled and live, where asked for: from the state run forward, or from the journal for the past. */
async function bookedIn(
  connection: Connection,
  view: BookView,
  scope: Scope,
  parts: ReadonlySet<BalancePart>,
): Promise<Booked> {
  const asked = (settledThen: Figure, liveThen: Figure): Booked => ({
    settled: parts.has('settled') ? settledThen : null,
    live: parts.has('live') ? liveThen : null,
  });
  if (!parts.has('settled') && !parts.has('live')) return { settled: null, live: null };
  if (view.id === null || !isHistory(view)) {
    const state = await stateAt(connection, view);
    return asked(
      (currency) => settled(state, currency, scope),
      (currency) => live(state, currency, scope),
    );
  }
  const { shard, id: bookId, asOf: at, recordedBy, version } = view;
  const point = { shard, bookId, at, recordedBy, version };
  const [totals, weight] = await settleAll([
    settledTotals(connection, point),
    parts.has('live') ? weightThen(connection, view, point) : Promise.resolve(() => 0n),
  ]);
  const settledThen: Figure = (currency) =>
    sumAmounts(
      totals
        .filter((total) => total.currency === currency && inScope(scope, total.featureKeys))
        .map((total) => total.amount),
    );
  return asked(settledThen, (currency) => settledThen(currency) - weight(currency, scope));
}

async function promisedIn(connection: Connection, view: BookView, scope: Scope): Promise<Figure> {
  if (view.id === null) return () => 0n;
  const { shard, id, version } = view;
  const promised = await promisedAt(connection, { shard, id, version }, view.asOf);
  return (currency) => sumPromised(promised, currency, scope);
}
