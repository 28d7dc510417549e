import { booksFrom, type Command } from '../credit/command.ts';
import { earlier, type Instant } from '../instant.ts';
import { bookKeyText } from './book-key.ts';
import { keyOfRow, type BookRow } from './book-rows.ts';
import type { Submission } from './submission.ts';

/** What a batch needs loaded besides the open state of its books. */
export type Needs = {
  /** Grants that commands name: they may be closed. */
  readonly grants: readonly { readonly bookId: string; readonly grantId: string }[];
  /** Charges that commands name: they may be closed. */
  readonly charges: readonly { readonly bookId: string; readonly chargeId: string }[];
  /** Those of them whose splits are needed. */
  readonly splits: readonly { readonly bookId: string; readonly chargeId: string }[];
  /** Books whose accrued value is to be recognized. */
  readonly accrued: readonly string[];
  /** Books that somebody books into before their clock, with the earliest such instant. */
  readonly historySince: ReadonlyMap<string, Instant>;
  /** Transactions that commands name. */
  readonly transactions: readonly { readonly bookId: string; readonly transactionId: string }[];
  readonly keys: readonly { readonly bookId: string; readonly idempotencyKey: string }[];
};

export function needsOf(books: readonly BookRow[], submissions: readonly Submission[]): Needs {
  const byKey = new Map(books.map((book) => [bookKeyText(keyOfRow(book)), book]));
  const asked = submissions.map(({ key, command, idempotencyKey }) => {
    const { id: bookId, clock } = byKey.get(bookKeyText(key))!;
    return { bookId, clock, command, idempotencyKey };
  });
  const historySince = new Map<string, Instant>();
  for (const { bookId, clock, command } of asked) {
    const from = booksFrom(command);
    if (from !== null && from < clock)
      historySince.set(bookId, earlier(from, historySince.get(bookId) ?? from));
  }
  const charges = asked.flatMap(({ bookId, command }) =>
    'chargeId' in command && namesCharge(command)
      ? [{ bookId, chargeId: command.chargeId, kind: command.kind }]
      : [],
  );
  return {
    grants: asked.flatMap(({ bookId, command }) =>
      'grantId' in command && namesGrant(command) ? [{ bookId, grantId: command.grantId }] : [],
    ),
    charges,
    splits: charges.filter(({ kind }) => kind === 'correctCharge'),
    accrued: asked.flatMap(({ bookId, command }) => (command.kind === 'recognizeRevenue' ? [bookId] : [])),
    historySince,
    transactions: asked.flatMap(({ bookId, command }) =>
      command.kind === 'reverseManually' ? [{ bookId, transactionId: command.transactionId }] : [],
    ),
    keys: asked.flatMap(({ bookId, idempotencyKey }) =>
      idempotencyKey === null ? [] : [{ bookId, idempotencyKey }],
    ),
  };
}

/** Whether the command's charge is one there should be, not one it makes. */
const namesCharge = ({ kind }: Command): boolean => kind !== 'consume' && kind !== 'createCharge';
const namesGrant = ({ kind }: Command): boolean => kind !== 'createGrant' && kind !== 'adjustUp';
