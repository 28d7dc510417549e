import { booksFrom } from '../credit/command.ts';
import { earlier, type Instant } from '../instant.ts';
import { bookKeyText } from './book-key.ts';
import { keyOfRow, type BookRow } from './book-rows.ts';
import type { Submission } from './submission.ts';

/** What a batch needs loaded besides the open state of its books. */
export type Needs = {
  /** Grants that commands name: they may be closed. */
  readonly grants: readonly { readonly bookId: string; readonly grantId: string }[];
  /** Books that somebody books into before their clock, with the earliest such instant. */
  readonly historySince: ReadonlyMap<string, Instant>;
  readonly keys: readonly { readonly bookId: string; readonly idempotencyKey: string }[];
};

export function needsOf(books: readonly BookRow[], submissions: readonly Submission[]): Needs {
  const byKey = new Map(books.map((book) => [bookKeyText(keyOfRow(book)), book]));
  const grants: { bookId: string; grantId: string }[] = [];
  const keys: { bookId: string; idempotencyKey: string }[] = [];
  const historySince = new Map<string, Instant>();
  for (const { key, command, idempotencyKey } of submissions) {
    const { id: bookId, clock } = byKey.get(bookKeyText(key))!;
    if (command.kind === 'voidGrant') grants.push({ bookId, grantId: command.grantId });
    if (idempotencyKey !== null) keys.push({ bookId, idempotencyKey });
    const from = booksFrom(command);
    if (from !== null && from < clock)
      historySince.set(bookId, earlier(from, historySince.get(bookId) ?? from));
  }
  return { grants, historySince, keys };
}
