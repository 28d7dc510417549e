import { ask, type Asked, type QueryDeps } from '../book/questions.ts';
import type { BookView } from '../book/view.ts';
import { findTransaction, type ReadTransaction } from '../ledger/read-journal.ts';

/** One transaction by its id; null if the book has none such. */
export const getTransaction = (
  deps: QueryDeps,
  question: Asked & { readonly transactionId: string },
): Promise<{ readonly view: BookView; readonly transaction: ReadTransaction | null }> =>
  ask(deps, question, async (connection, view) => ({
    view,
    transaction:
      view.bookId === null ? null : await findTransaction(connection, view, question.transactionId),
  }));
