import { booksFrom, type Command } from '../credit/command.ts';
import type { Placed } from '../db/placement.ts';
import { earlier, type Instant } from '../instant.ts';
import { bookKeyText } from './book-key.ts';
import { keyOfRow, type BookRow } from './book-rows.ts';
import type { Submission } from './submission.ts';

/** What a batch needs loaded besides the open state of its books. */
export type Needs = {
  /** Grants that commands name: they may be closed. */
  readonly grants: readonly (Placed & { readonly grantId: string })[];
  /** Charges that commands name: they may be closed. */
  readonly charges: readonly (Placed & { readonly chargeId: string })[];
  /** Those of them whose splits are needed. */
  readonly splits: readonly (Placed & { readonly chargeId: string })[];
  /** Books whose accrued value is to be recognized. */
  readonly accrued: readonly Placed[];
  /** Books that somebody books into before their clock, by id, with the earliest such instant. */
  readonly late: ReadonlyMap<string, Placed & { readonly since: Instant }>;
  /** Transactions that commands name. */
  readonly transactions: readonly (Placed & { readonly transactionId: string })[];
};

export function needsOf(books: readonly BookRow[], submissions: readonly Submission[]): Needs {
  const byKey = new Map(books.map((book) => [bookKeyText(keyOfRow(book)), book]));
  const asked = submissions.map(({ key, command }) => {
    const { shard, id: bookId, clock } = byKey.get(bookKeyText(key))!;
    return { at: { shard, bookId }, clock, command };
  });
  const late = new Map<string, Placed & { readonly since: Instant }>();
  for (const { at, clock, command } of asked) {
    const from = booksFrom(command);
    if (from === null || from >= clock) continue;
    late.set(at.bookId, { ...at, since: earlier(from, late.get(at.bookId)?.since ?? from) });
  }
  const charges = asked.flatMap(({ at, command }) =>
    'chargeId' in command && namesCharge(command)
      ? [{ ...at, chargeId: command.chargeId, kind: command.kind }]
      : [],
  );
  return {
    grants: asked.flatMap(({ at, command }) =>
      'grantId' in command && namesGrant(command) ? [{ ...at, grantId: command.grantId }] : [],
    ),
    charges,
    splits: charges.filter(({ kind }) => kind === 'correctCharge'),
    accrued: asked.flatMap(({ at, command }) => (command.kind === 'recognizeRevenue' ? [at] : [])),
    late,
    transactions: asked.flatMap(({ at, command }) =>
      command.kind === 'reverseManually' ? [{ ...at, transactionId: command.transactionId }] : [],
    ),
  };
}

/** Whether the command's charge is one there should be, not one it makes. */
const namesCharge = ({ kind }: Command): boolean => kind !== 'consume' && kind !== 'createCharge';
const namesGrant = ({ kind }: Command): boolean => kind !== 'createGrant' && kind !== 'adjustUp';
