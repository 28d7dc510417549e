import { bookKeyText } from '../tables/book-key.ts';
import { loadRemembered, type Remembered } from '../tables/remembered.ts';
import type { BookView } from '../book/view.ts';
import type { Connection } from '../db/database.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import { subAccountsAsked, type AccountFilter } from '../ledger/account-totals.ts';
import { boundsOf, placeOfTransaction } from '../ledger/journal-bounds.ts';
import {
  pageOfEntries,
  pageOfTransactions,
  type JournalCursor,
  type JournalPage,
  type JournalRange,
} from '../ledger/journal-pages.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { findTransaction, type ReadEntry, type ReadTransaction } from '../ledger/read-journal.ts';
import { assertNamed, notFound } from './named.ts';
import { ask, type Asked, type QueryDeps } from '../book/questions.ts';

/** The raw journal of a book, as recorded: what has fallen due and nobody has written yet is not in it. */

type JournalQuestion = Asked & {
  readonly after: JournalCursor;
  readonly limit: number;
  /** Inclusive; ALWAYS: from the beginning. */
  readonly bookedFrom: Instant;
  /** Exclusive; NEVER: to the end. */
  readonly bookedTo: Instant;
  readonly grantId: string | null;
  readonly chargeId: string | null;
};

export type TransactionsQuestion = JournalQuestion & {
  /** Empty: all. */
  readonly kinds: readonly PostingKind[];
  /** The first transaction of the write asked about. */
  readonly groupId: string | null;
  readonly idempotencyKey: string | null;
  /** The version that a remembered answer tells: the bytes of answers are the wire's own. */
  readonly versionOf: (remembered: Remembered) => number;
};

export type EntriesQuestion = JournalQuestion &
  AccountFilter & {
    readonly transactionId: string | null;
    readonly accountId: string | null;
  };

export type JournalAnswer<Row> = JournalPage<Row> & { readonly view: BookView };

/** A page of transactions in version order. */
export const listTransactions = (
  deps: QueryDeps,
  question: TransactionsQuestion,
): Promise<JournalAnswer<ReadTransaction>> =>
  ask(deps, question, async (connection, view) => {
    const { groupId, grantId, chargeId, kinds, idempotencyKey } = question;
    await assertNamed(connection, view, { txn: groupId, grt: grantId, chg: chargeId });
    const range = await rangeOf(connection, view, question, [
      ...(groupId === null ? [] : [versionOfGroup(connection, view, groupId)]),
      ...(idempotencyKey === null ? [] : [versionOfKey(connection, view, question)]),
    ]);
    const page = range === null ? EMPTY : pageOfTransactions(connection, { ...range, kinds, idempotencyKey });
    return { view, ...(await page) };
  });

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

const EMPTY = { rows: [], next: null };

/** The part of the journal that can hold what is asked for; null: none can. `pins` are versions it must be of. */
async function rangeOf(
  connection: Connection,
  view: BookView,
  question: JournalQuestion,
  pins: readonly Promise<number | null>[],
): Promise<JournalRange | null> {
  const { after, limit, bookedFrom, bookedTo, grantId, chargeId } = question;
  if (view.bookId === null) return null;
  const { shard, bookId } = view;
  const pinned = await Promise.all(pins);
  const whole = bookedFrom === ALWAYS && bookedTo === NEVER;
  const bounds = whole
    ? { after: 0, until: view.version }
    : await boundsOf(connection, view, bookedFrom, bookedTo);
  const first = Math.max(bounds.after + 1, ...pinned.map((version) => version ?? NEVER));
  const last = Math.min(bounds.until, ...pinned.map((version) => version ?? 0));
  if (first > last) return null;
  const from = first > after.version ? { version: first, position: 0 } : after;
  return { shard, bookId, after: from, version: last, limit, bookedFrom, bookedTo, grantId, chargeId };
}

async function versionOfGroup(connection: Connection, view: BookView, id: string): Promise<number | null> {
  if (view.bookId === null) return null;
  const place = await placeOfTransaction(connection, view, id);
  return place?.ordinal === 1 ? place.version : notFound('txn', id);
}

/** Whether it is the key's own write, and not the one that a success without a change found, the walk tells. */
async function versionOfKey(
  connection: Connection,
  view: BookView,
  { idempotencyKey, versionOf }: TransactionsQuestion,
): Promise<number | null> {
  if (view.bookId === null || idempotencyKey === null) return null;
  const { key } = view;
  const remembered = await loadRemembered(connection, [{ key, idempotencyKey }]);
  const answer = remembered.get(bookKeyText(key))?.get(idempotencyKey);
  return answer === undefined ? null : versionOf(answer);
}

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
