import type { Amount } from '../../amount.ts';
import { runForward } from '../../book/state-at.ts';
import { isHistory, type BookView } from '../../book/view.ts';
import { earlier } from '../../instant.ts';
import { sumEntries, sumOf, type EntryFilter } from '../../ledger/account-sum.ts';
import { ask, type Asked, type QueryDeps } from './questions.ts';

export type AccountAnswer = { readonly view: BookView; readonly amount: Amount };

/**
 * The sum of entries at any instant, as known at any instant. What has fallen due but is not yet written is included,
 * what lies ahead is forecast: the journal up to its end, and the postings that running forward would add.
 */
export const getAccountBalance = (
  deps: QueryDeps,
  question: Asked & { readonly filter: EntryFilter },
): Promise<AccountAnswer> =>
  ask(deps, question, async (connection, view) => {
    if (view.id === null) return { view, amount: 0n };
    const { shard, id, version, asOf, clock } = view;
    const written = await sumEntries(
      connection,
      { shard, id, version },
      earlier(asOf, clock),
      question.filter,
    );
    const ahead = isHistory(view) ? [] : (await runForward(connection, view)).postings;
    return {
      view,
      amount:
        written +
        sumOf(
          question.filter,
          ahead.flatMap((posting) => posting.legs),
        ),
    };
  });
