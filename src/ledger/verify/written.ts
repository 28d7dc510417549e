import type { Instant } from '../../instant.ts';
import type { JournalEntry, JournalTransaction } from '../journal.ts';

/** A book's journal as it stands in its rows, whatever is wrong with them: nothing is joined, what is missing is missing. */

export type WrittenTransaction = JournalTransaction;

export type WrittenEntry = Omit<JournalEntry, 'account' | 'accountUuid' | 'recordedAt'> & {
  readonly lateClass: number | null;
};

/** One version of a book. */
export type Written = {
  readonly version: number;
  /** When its write was recorded; null: there is no such write. */
  readonly recordedAt: Instant | null;
  readonly transactions: readonly WrittenTransaction[];
  readonly entries: readonly WrittenEntry[];
};
