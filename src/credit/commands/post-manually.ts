import type { Instant } from '../../instant.ts';
import { manualLegs, type ManualEntry } from '../../ledger/manual-rules.ts';
import { balanced } from '../../ledger/posting.ts';
import { book } from '../book-state.ts';
import { happenedAt, nothing, type CommandSpec } from '../spec.ts';

/** Entries posted by hand between accounts of one book (src/ledger/manual-rules.ts). */
export type PostManually = {
  readonly kind: 'postManually';
  readonly entries: readonly ManualEntry[];
  readonly reason: string;
  /** Null: now. */
  readonly bookedAt: Instant | null;
};

export const postManually = {
  method: 'PostTransaction',
  cause: null,
  needs: nothing,
  brings: ({ entries }) =>
    entries.map(({ account }, i) => ({ code: account.currency, field: `entries[${i}].currency` })),
  decide(work, { entries, reason, bookedAt }, now, leeway) {
    const legs = manualLegs(entries);
    book(work, balanced({ kind: 'MANUAL', bookedAt: happenedAt(bookedAt, now, leeway), legs, reason }));
    return { currency: null };
  },
} satisfies CommandSpec<PostManually>;
