import { ask, type QueryDeps } from '../book/questions.ts';
import { subAccountsAsked, type AccountFilter } from '../ledger/account-totals.ts';
import { placeOfTransaction } from '../ledger/journal-bounds.ts';
import { pageOfEntries } from '../ledger/journal-pages.ts';
import type { ReadEntry } from '../ledger/read-journal.ts';
import { EMPTY, rangeOf, type JournalAnswer, type JournalQuestion } from './journal-range.ts';
import { assertNamed } from './named.ts';

export type EntriesQuestion = JournalQuestion &
  AccountFilter & {
    readonly transactionId: string | null;
    readonly accountId: string | null;
  };

/** A page of entries in version order. */
export const listEntries = (deps: QueryDeps, question: EntriesQuestion): Promise<JournalAnswer<ReadEntry>> =>
  ask(deps, question, async (connection, view) => {
    const { transactionId, accountId, grantId, chargeId } = question;
    await assertNamed(connection, view, { txn: transactionId, acc: accountId, grt: grantId, chg: chargeId });
    const place =
      transactionId === null || view.bookId === null
        ? null
        : await placeOfTransaction(connection, view, transactionId);
    const pins = transactionId === null ? [] : [Promise.resolve(place?.version ?? null)];
    const range = await rangeOf(connection, view, question, pins);
    const subAccounts = range === null ? [] : await subAccountsAsked(connection, range, question);
    if (range === null || subAccounts?.length === 0) return { view, ...EMPTY };
    const page = await pageOfEntries(connection, {
      ...range,
      subAccounts,
      transaction: place?.ordinal ?? null,
    });
    return { view, ...page };
  });
