import { sumAmounts, type Amount } from '../amount.ts';
import { runForward } from '../book/state-at.ts';
import { isHistory, type BookView } from '../book/view.ts';
import type { Connection } from '../db/database.ts';
import { earlier } from '../instant.ts';
import {
  matchesRoute,
  namesGrantOrCharge,
  sumEntries,
  sumOf,
  type EntryFilter,
} from '../ledger/account-sum.ts';
import { accountsAt } from './account-totals.ts';
import { assertNamed } from './named.ts';
import { ask, type Asked, type QueryDeps } from '../book/questions.ts';

export type AccountAnswer = { readonly view: BookView; readonly amount: Amount };

/**
 * The sum of entries at any instant, as known at any instant. What has fallen due but is not yet written is included,
 * what lies ahead is forecast: the journal up to its end, and the postings that running forward would add. From running
 * totals, whatever the length of history, unless a grant or a charge is named: then from the entries that name it.
 */
export const getAccountBalance = (
  deps: QueryDeps,
  question: Asked & { readonly filter: EntryFilter },
): Promise<AccountAnswer> =>
  ask(deps, question, async (connection, view) => {
    const { filter } = question;
    await assertNamed(connection, view, { grt: filter.grantId, chg: filter.chargeId });
    const sum = namesGrantOrCharge(filter) ? ofEntries : ofAccounts;
    return { view, amount: await sum(connection, view, filter) };
  });

async function ofAccounts(connection: Connection, view: BookView, filter: EntryFilter): Promise<Amount> {
  const { type, currency } = filter;
  const accounts = await accountsAt(connection, view, { types: [type], currency });
  return sumAmounts(
    accounts.filter(({ account }) => matchesRoute(filter, account)).map(({ amount }) => amount),
  );
}

async function ofEntries(connection: Connection, view: BookView, filter: EntryFilter): Promise<Amount> {
  if (view.id === null) return 0n;
  const { shard, id, version, asOf, clock } = view;
  const written = await sumEntries(connection, { shard, id, version }, earlier(asOf, clock), filter);
  const ahead = isHistory(view) ? [] : (await runForward(connection, view)).postings;
  const legs = ahead.flatMap((posting) => posting.legs);
  return written + sumOf(filter, legs);
}
