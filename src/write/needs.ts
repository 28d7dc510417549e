import { specOf } from '../credit/command.ts';
import type { Needs } from '../credit/spec.ts';
import type { Once } from '../db/once.ts';
import { booksOnce, eachOnce, type Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import { bookKeyText } from '../tables/book-key.ts';
import type { BookRow } from '../tables/books.ts';
import type { Submission } from './submission.ts';

/**
 * What a batch needs loaded besides the open state of its books: each thing once, however many of its commands name it.
 * So what a command finds does not depend on who shares its batch.
 */
export type BatchNeeds = {
  /** Grants that commands name: they may be closed. */
  readonly grants: Once<Placed & { readonly grantId: string }>;
  /** Charges that commands name: they may be closed. */
  readonly charges: Once<NamedCharge>;
  /** Those of them whose allocations are needed. */
  readonly splits: Once<NamedCharge>;
  /** Transactions that commands name. */
  readonly transactions: Once<Placed & { readonly transactionId: string }>;
  /** Books whose accrued value is to be recognized. */
  readonly accrued: Once<Placed>;
  /** Books that somebody books into before their clock, each with the earliest such instant. */
  readonly late: Once<Placed & { readonly since: Instant }>;
};

type NamedCharge = Placed & { readonly chargeId: string };

export function needsOf(books: readonly BookRow[], submissions: readonly Submission[]): BatchNeeds {
  const byKey = new Map(books.map((book) => [bookKeyText(book.key), book]));
  const asked = submissions.map(({ key, command }) => {
    const { shard, id: bookId, clock } = byKey.get(bookKeyText(key))!;
    return { book: { shard, bookId }, clock, needs: specOf(command).needs(command) };
  });
  const named = <Id extends string>(as: Id, idsOf: (needs: Needs) => readonly string[] | undefined) => {
    type Named = Placed & { readonly [As in Id]: string };
    const all = asked.flatMap(({ book, needs }) =>
      (idsOf(needs) ?? []).map((id) => ({ ...book, [as]: id }) as unknown as Named),
    );
    return eachOnce(all, (one) => one[as]);
  };
  return {
    grants: named('grantId', ({ grants }) => grants),
    charges: named('chargeId', ({ charges }) => charges),
    splits: named('chargeId', ({ allocationsOf }) => allocationsOf),
    transactions: named('transactionId', ({ transactions }) => transactions),
    accrued: booksOnce(asked.filter(({ needs }) => needs.accrued === true).map(({ book }) => book)),
    late: booksOnce(
      asked
        .flatMap(({ book, clock, needs: { historySince: since = null } }) =>
          since !== null && since < clock ? [{ ...book, since }] : [],
        )
        // The last of a book stands for it.
        .toSorted((a, b) => b.since - a.since),
    ),
  };
}
