import { askWritten, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import { findTransaction, type ReadTransaction } from '../ledger/read-journal.ts';

/** One transaction by its id; null if the book has none such. */
export const getTransaction = (
  deps: QueryDeps,
  question: Asked & { readonly transactionId: string },
): Promise<Viewed<{ readonly transaction: ReadTransaction | null }>> =>
  askWritten(deps, question, { transaction: null }, async (connection, view) => ({
    transaction: await findTransaction(connection, view, question.transactionId),
  }));
