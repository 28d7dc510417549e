import type { Amount } from '../../amount.ts';
import { isHistory, type BookView } from '../../book/view.ts';
import { stateAt } from '../../book/state-at.ts';
import { settleAll, type Connection } from '../../db/database.ts';
import { sumAmounts } from '../../amount.ts';
import { settledTotals } from '../../ledger/history.ts';
import { promisedAt } from '../../pending/index-reader.ts';
import { sumPromised } from '../../pending/stretch.ts';
import { inScope, type Scope } from '../../scope.ts';
import { settled } from '../balance.ts';
import { ask, type Asked, type QueryDeps } from './questions.ts';

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

export async function balancesOf(
  connection: Connection,
  view: BookView,
  { currencies, scope, parts }: Pick<BalanceQuestion, 'currencies' | 'scope' | 'parts'>,
): Promise<readonly AskedBalance[]> {
  const [booked, promised] = await settleAll(
    [
      parts.has('settled') || parts.has('live') ? bookedIn(connection, view, scope) : null,
      parts.has('pending') ? promisedIn(connection, view, scope) : null,
    ].map((part) => Promise.resolve(part)),
  );
  return (currencies.length > 0 ? currencies : view.currencies).map((currency) => ({
    currency,
    ...(parts.has('settled') && { settled: booked!(currency) }),
    // Nothing opens charges yet: live equals settled.
    ...(parts.has('live') && { live: booked!(currency) }),
    ...(parts.has('pending') && { pending: promised!(currency) }),
  }));
}

type Figure = (currency: string) => Amount;

async function bookedIn(connection: Connection, view: BookView, scope: Scope): Promise<Figure> {
  if (view.id === null || !isHistory(view)) {
    const state = await stateAt(connection, view);
    return (currency) => settled(state, currency, scope);
  }
  const { shard, id: bookId, asOf: at, recordedBy, version } = view;
  const totals = await settledTotals(connection, { shard, bookId, at, recordedBy, version });
  return (currency) =>
    sumAmounts(
      totals
        .filter((total) => total.currency === currency && inScope(scope, total.featureKeys))
        .map((t) => t.amount),
    );
}

async function promisedIn(connection: Connection, view: BookView, scope: Scope): Promise<Figure> {
  if (view.id === null) return () => 0n;
  const { shard, id, version } = view;
  const promised = await promisedAt(connection, { shard, id, version }, view.asOf);
  return (currency) => sumPromised(promised, currency, scope);
}
