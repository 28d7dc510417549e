import { databaseTime } from '../db/clock.ts';
import type { Snapshot } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import type { QueryDeps } from '../book/questions.ts';
import { checkSet, countBooks, placesOf, type BookPlace, type Owner } from './book-set.ts';
import { readBook } from './check-book.ts';
import type { Finding } from './finding.ts';
import { brokenOff, inspect } from './unreadable.ts';
import { verifyBook, type Piece } from './verify-book.ts';

/** How far a verification has come. */
export type Progress = {
  readonly booksDone: number;
  readonly booksTotal: number;
  readonly transactions: number;
};

/** SOUND: all was read and nothing found. INCOMPLETE: something could not be read, and there are findings. */
export type Verdict = 'SOUND' | 'FINDINGS' | 'INCOMPLETE';

export type Summary = {
  readonly verdict: Verdict;
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
  const knownAt = clock.reads(await databaseTime(database));
  const booksTotal = await countBooks(database, owner);
  const sum = { books: 0, transactions: 0, entries: 0, findings: 0 };
  let unread = false;
  const tell = () => {
    const { books: booksDone, transactions } = sum;
    listener.progress({ booksDone, booksTotal: Math.max(booksTotal, booksDone), transactions });
  };
  tell();
  for await (const place of placesOf(database, owner)) {
    signal.throwIfAborted();
    await database.snapshot(async (snapshot) => {
      for await (const piece of piecesOf(snapshot, place)) {
        signal.throwIfAborted();
        sum.books += piece.books;
        sum.transactions += piece.transactions;
        sum.entries += piece.entries;
        sum.findings += piece.findings.length;
        unread ||= piece.findings.some(({ kind }) => kind === 'UNREADABLE_ROW');
        tell();
        for (const finding of piece.findings) await listener.found(place.customerId, finding);
      }
    });
    tell();
  }
  for await (const { customerId, finding } of checkSet(database, owner)) {
    signal.throwIfAborted();
    sum.findings += 1;
    await listener.found(customerId, finding);
  }
  return { verdict: unread ? 'INCOMPLETE' : sum.findings > 0 ? 'FINDINGS' : 'SOUND', ...sum, knownAt };
}

/** What verifying a customer's book comes to, rows that cannot be read included. */
async function* piecesOf(
  snapshot: Snapshot,
  place: BookPlace,
): AsyncGenerator<Piece & { readonly books: number }, void, undefined> {
  const inspection = inspect(snapshot);
  const book = await readBook(inspection.connection, place);
  const version = book?.version ?? 0;
  if (book !== null) {
    try {
      for await (const piece of verifyBook(inspection.connection, book)) yield { ...piece, books: 0 };
    } catch (error) {
      const finding = brokenOff(error, version);
      if (finding === null) throw error;
      yield { books: 0, transactions: 0, entries: 0, findings: [finding] };
    }
  }
  const findings = await inspection.findings(version);
  if (book !== null || findings.length > 0) yield { books: 1, transactions: 0, entries: 0, findings };
}
