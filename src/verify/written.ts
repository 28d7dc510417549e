import type { Instant } from '../instant.ts';
import type { SubAccount } from '../ledger/account.ts';
import type { Salt } from '../ledger/hash.ts';
import type { JournalEntry, JournalTransaction } from '../ledger/journal.ts';

/** A book's journal as it stands in its rows, whatever is wrong with them: nothing is joined, what is missing is missing. */

export type WrittenTransaction = JournalTransaction;

export type WrittenEntry = Omit<JournalEntry, 'account' | 'accountUuid' | 'recordedAt'> & {
  readonly lateClass: number | null;
};

/** A row of `writes`. */
export type WrittenWrite = {
  readonly recordedAt: Instant;
  readonly method: string;
  readonly idempotencyKey: string | null;
  readonly feedPosition: number;
  /** Of its hash and those of its transactions (src/ledger/hash.ts); the first has neither salt nor hash. */
  readonly format: number;
  readonly salt: Salt | null;
  readonly hash: Buffer | null;
};

/** A sub-account and the hex digits of its id. */
export type WrittenAccount = SubAccount & { readonly uuid: string };

/** One version of a book. */
export type Written = {
  readonly version: number;
  /** Null: there is no such write. */
  readonly write: WrittenWrite | null;
  /** When that was recorded. */
  readonly recordedAt: Instant | null;
  readonly transactions: readonly WrittenTransaction[];
  readonly entries: readonly WrittenEntry[];
};
