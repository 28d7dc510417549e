import { askWritten, type QueryDeps, type Viewed } from '../book/questions.ts';
import { subAccountsAsked, type AccountFilter } from '../ledger/account-totals.ts';
import { placeOfTransaction } from '../ledger/journal-bounds.ts';
import { pageOfEntries, type JournalPage } from '../ledger/journal-pages.ts';
import type { ReadEntry } from '../ledger/read-journal.ts';
import type { Told } from '../ledger/writes.ts';
import { EMPTY, rangeOf, type JournalQuestion } from './journal-range.ts';
import { assertNamed } from './assert-named.ts';

export type EntriesQuestion = JournalQuestion &
  AccountFilter & {
    readonly transactionId: string | null;
    readonly accountId: string | null;
  };

/** A page of entries in version order. */
export const listEntries = (
  deps: QueryDeps,
  question: EntriesQuestion,
): Promise<Viewed<JournalPage<ReadEntry & Told>>> =>
  askWritten(deps, question, EMPTY, async (connection, view): Promise<JournalPage<ReadEntry & Told>> => {
    const { transactionId, accountId, grantId, chargeId } = question;
    await assertNamed(connection, view, { txn: transactionId, acc: accountId, grt: grantId, chg: chargeId });
    const place = transactionId === null ? null : await placeOfTransaction(connection, view, transactionId);
    const pins = transactionId === null ? [] : [place?.version ?? null];
    const range = await rangeOf(connection, view, question, pins);
    if (range === null) return EMPTY;
    const subAccounts = await subAccountsAsked(connection, range, question);
    if (subAccounts?.length === 0) return EMPTY;
    return pageOfEntries(connection, { ...range, subAccounts, transaction: place?.ordinal ?? null });
  });
