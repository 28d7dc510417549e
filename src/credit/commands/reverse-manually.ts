import { reversalLegs } from '../../ledger/manual-rules.ts';
import { balanced } from '../../ledger/posting.ts';
import { refuse } from '../../refusal.ts';
import { book } from '../book-state.ts';
import { noCurrency, type CommandSpec } from '../spec.ts';

/** Takes a whole manual posting back, now. */
export type ReverseManually = {
  readonly kind: 'reverseManually';
  readonly transactionId: string;
  readonly reason: string;
};

export const reverseManually = {
  method: 'ReverseTransaction',
  cause: null,
  needs: ({ transactionId }) => ({ transactions: [transactionId] }),
  brings: noCurrency,
  decide(work, { transactionId: id, reason }, now) {
    const posted =
      work.posted.get(id) ??
      refuse('TRANSACTION_NOT_FOUND', `this customer has no transaction ${id}`, { id });
    book(work, balanced({ kind: 'REVERSE', bookedAt: now, legs: reversalLegs(posted), reason }));
    work.posted = work.posted.with(id, { ...posted, reversed: true });
    return { currency: null };
  },
} satisfies CommandSpec<ReverseManually>;
