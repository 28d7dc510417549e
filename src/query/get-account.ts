import { askWritten, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { AccountTotal } from '../ledger/account-totals.ts';
import { knownAccountsAt } from './account-totals.ts';

/** One account by its id; before its first entry it holds nothing. Null: the book has no such account as known. */
export const getAccount = (
  deps: QueryDeps,
  question: Asked & { readonly accountId: string },
): Promise<Viewed<{ readonly account: AccountTotal | null }>> =>
  askWritten(deps, question, { account: null }, async (connection, view) => {
    const known = await knownAccountsAt(connection, view, { types: [], currency: null });
    return { account: known.find(({ id }) => id === question.accountId) ?? null };
  });
