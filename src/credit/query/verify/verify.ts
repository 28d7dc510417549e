import { countBooks, customersOf, writtenBook, type Owner } from '../../../book/verify/books.ts';
import { databaseTime } from '../../../db/clock.ts';
import type { Instant } from '../../../instant.ts';
import type { QueryDeps } from '../questions.ts';
import type { Finding } from './finding.ts';
import { verifyBook } from './verify-book.ts';

/** How far a verification has come. */
export type Progress = {
  readonly booksDone: number;
  readonly booksTotal: number;
  readonly transactions: number;
};

export type Summary = {
  readonly books: number;
  readonly transactions: number;
  readonly entries: number;
  readonly findings: number;
  /** All that was recorded by this instant was verified. */
  readonly knownAt: Instant;
};

/** Who is told while it runs. */
export type Listener = {
  progress(now: Progress): void;
  /** Waited for: a listener that cannot keep up holds the verification up. */
  found(customerId: string, finding: Finding): Promise<void>;
};

/**
 * Verifies a customer's book, or all of a namespace one after the other, each from a snapshot of its own: writers are
 * never waited for and never wait. Ends with the signal's reason soon after it aborts: at the end of a statement.
 */
export async function verify(
  { database, clock }: QueryDeps,
  owner: Owner,
  listener: Listener,
  signal: AbortSignal,
): Promise<Summary> {
  const knownAt = clock(await databaseTime(database));
  const booksTotal = await countBooks(database, owner);
  const sum = { books: 0, transactions: 0, entries: 0, findings: 0 };
  const tell = () => {
    const { books: booksDone, transactions } = sum;
    listener.progress({ booksDone, booksTotal: Math.max(booksTotal, booksDone), transactions });
  };
  tell();
  for await (const customerId of customersOf(database, owner)) {
    signal.throwIfAborted();
    await database.snapshot(async (connection) => {
      const book = await writtenBook(connection, { namespace: owner.namespace, customerId });
      if (book === null) return;
      for await (const piece of verifyBook(connection, book)) {
        signal.throwIfAborted();
        sum.transactions += piece.transactions;
        sum.entries += piece.entries;
        sum.findings += piece.findings.length;
        tell();
        for (const finding of piece.findings) await listener.found(customerId, finding);
      }
      sum.books += 1;
    });
    tell();
  }
  return { ...sum, knownAt };
}
