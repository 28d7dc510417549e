import { ask, type Asked, type QueryDeps } from '../book/questions.ts';
import type { BookView } from '../book/view.ts';
import type { AccountTotal } from '../ledger/account-totals.ts';
import { knownAccountsAt } from './account-totals.ts';

export type AccountAnswer = {
  readonly view: BookView;
  /** Null: the book has no such account as known. */
  readonly account: AccountTotal | null;
};

/** One account by its id; before its first entry it holds nothing. */
export const getAccount = (
  deps: QueryDeps,
  question: Asked & { readonly accountId: string },
): Promise<AccountAnswer> =>
  ask(deps, question, async (connection, view) => {
    const known = await knownAccountsAt(connection, view, { types: [], currency: null });
    return { view, account: known.find(({ id }) => id === question.accountId) ?? null };
  });
