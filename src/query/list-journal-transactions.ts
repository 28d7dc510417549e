import { askWritten, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { WrittenView } from '../book/view.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { placeOfTransaction } from '../ledger/journal-bounds.ts';
import { pageOfTransactions, type JournalPage } from '../ledger/journal-pages.ts';
import type { PostingKind } from '../ledger/posting.ts';
import type { ReadTransaction } from '../ledger/read-journal.ts';
import { rememberedUnder, type Remembered } from '../tables/remembered.ts';
import { EMPTY, rangeOf, type JournalQuestion } from './journal-range.ts';
import { assertNamed, notFound } from './assert-named.ts';

export type JournalTransactionsQuestion = JournalQuestion & {
  /** Empty: all. */
  readonly kinds: readonly PostingKind[];
  /** The first transaction of the write asked about. */
  readonly groupId: string | null;
  readonly idempotencyKey: string | null;
  /** The version that a remembered answer tells: the bytes of answers are the wire's own. */
  readonly versionOf: (remembered: Remembered) => number;
};

/** A page of transactions in version order. */
export const listJournalTransactions = (
  deps: QueryDeps,
  question: JournalTransactionsQuestion,
): Promise<Viewed<JournalPage<ReadTransaction>>> =>
  askWritten(deps, question, EMPTY, async (connection, view): Promise<JournalPage<ReadTransaction>> => {
    const { groupId, grantId, chargeId, kinds, idempotencyKey } = question;
    await assertNamed(connection, view, { txn: groupId, grt: grantId, chg: chargeId });
    const pins = await awaitAll([
      ...(groupId === null ? [] : [versionOfGroup(connection, view, groupId)]),
      ...(idempotencyKey === null ? [] : [versionOfKey(connection, view, idempotencyKey, question)]),
    ]);
    const range = await rangeOf(connection, view, question, pins);
    return range === null ? EMPTY : pageOfTransactions(connection, { ...range, kinds, idempotencyKey });
  });

async function versionOfGroup(connection: Connection, view: WrittenView, id: string): Promise<number> {
  const place = await placeOfTransaction(connection, view, id);
  return place?.ordinal === 1 ? place.version : notFound('txn', id);
}

/** Whether it is the key's own write, and not the one that a success without a change found, the walk tells. */
async function versionOfKey(
  connection: Connection,
  { key }: WrittenView,
  idempotencyKey: string,
  { versionOf }: JournalTransactionsQuestion,
): Promise<number | null> {
  const answer = await rememberedUnder(connection, key, idempotencyKey);
  return answer === undefined ? null : versionOf(answer);
}
