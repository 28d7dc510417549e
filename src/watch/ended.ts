import { classify } from '../db/failure.ts';
import { RefusalError } from '../refusal.ts';
import type { WatchedBook } from './watched-book.ts';

/** Why a watch ends that can no longer tell whether what it shows is current. */
export const unavailable = (cause?: unknown): RefusalError => {
  const refusal = new RefusalError({
    reason: 'DATABASE_UNAVAILABLE',
    message: 'the database cannot be reached, so what is shown may be old; open the watch again',
    metadata: {},
  });
  refusal.cause = cause;
  return refusal;
};

/** The same for whatever has been thrown; a bug stays what it is. */
export function reasonOf(error: unknown): Error {
  if (classify(error) === 'unavailable') return unavailable(error);
  return error instanceof Error ? error : new Error('a watch has failed', { cause: error });
}

/** Ends every stream of a book. */
export function endAll(book: WatchedBook, error: Error): void {
  for (const { mailboxes } of book.audiences.values()) for (const mailbox of mailboxes) mailbox.end(error);
}
