import { booksFrom, type Command } from '../credit/command.ts';
import type { Once } from '../db/once.ts';
import { booksOnce, eachOnce, type Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import { bookKeyText } from '../tables/book-key.ts';
import { keyOfRow, type BookRow } from '../tables/book-rows.ts';
import type { Submission } from './submission.ts';

export type NamedGrant = Placed & { readonly grantId: string };
export type NamedCharge = Placed & { readonly chargeId: string };
export type NamedTransaction = Placed & { readonly transactionId: string };
export type LateBook = Placed & { readonly since: Instant };

/**
 * What a batch needs loaded besides the open state of its books: each thing once, however many of its commands name it.
 * So what a command finds does not depend on who shares its batch.
 */
export type Needs = {
  /** Grants that commands name: they may be closed. */
  readonly grants: Once<NamedGrant>;
  /** Charges that commands name: they may be closed. */
  readonly charges: Once<NamedCharge>;
  /** Those of them whose splits are needed. */
  readonly splits: Once<NamedCharge>;
  /** Books whose accrued value is to be recognized. */
  readonly accrued: Once<Placed>;
  /** Books that somebody books into before their clock, each with the earliest such instant. */
  readonly late: Once<LateBook>;
  /** Transactions that commands name. */
  readonly transactions: Once<NamedTransaction>;
};

/** What one command needs known that is not open, or may not be. */
type Wants = {
  readonly grantId?: string;
  readonly chargeId?: string;
  readonly transactionId?: string;
  /** The splits of its charge. */
  readonly splits?: boolean;
  /** What is accrued in its book. */
  readonly accrued?: boolean;
};

const nothing = (): Wants => ({});
const itsGrant = ({ grantId }: { readonly grantId: string }): Wants => ({ grantId });
const itsCharge = ({ chargeId }: { readonly chargeId: string }): Wants => ({ chargeId });

/** Of each command; the grant or charge that a command makes is not there to be loaded. */
const WANTS: { readonly [K in Command['kind']]: (command: Extract<Command, { kind: K }>) => Wants } = {
  createGrant: nothing,
  voidGrant: itsGrant,
  rescheduleGrant: itsGrant,
  updateSettlement: itsGrant,
  consume: nothing,
  createCharge: nothing,
  updateCharge: itsCharge,
  collectCharge: itsCharge,
  correctCharge: ({ chargeId }) => ({ chargeId, splits: true }),
  cancelCharge: itsCharge,
  adjustUp: nothing,
  adjustDown: nothing,
  recognizeRevenue: () => ({ accrued: true }),
  postManually: nothing,
  reverseManually: ({ transactionId }) => ({ transactionId }),
  bookDue: nothing,
};

const wantsOf = (command: Command): Wants =>
  (WANTS[command.kind] as unknown as (command: Command) => Wants)(command);

export function needsOf(books: readonly BookRow[], submissions: readonly Submission[]): Needs {
  const byKey = new Map(books.map((book) => [bookKeyText(keyOfRow(book)), book]));
  const asked = submissions.map(({ key, command }) => {
    const { shard, id: bookId, clock } = byKey.get(bookKeyText(key))!;
    return { shard, bookId, clock, since: booksFrom(command), ...wantsOf(command) };
  });
  const named = asked.flatMap((one) =>
    one.chargeId === undefined ? [] : [{ ...one, chargeId: one.chargeId }],
  );
  return {
    grants: eachOnce(
      asked.flatMap((one) => (one.grantId === undefined ? [] : [{ ...one, grantId: one.grantId }])),
      ({ grantId }) => grantId,
    ),
    charges: eachOnce(named, ({ chargeId }) => chargeId),
    splits: eachOnce(
      named.filter(({ splits }) => splits === true),
      ({ chargeId }) => chargeId,
    ),
    accrued: booksOnce(asked.filter(({ accrued }) => accrued === true)),
    late: booksOnce(
      asked
        .flatMap(({ since, ...one }) => (since !== null && since < one.clock ? [{ ...one, since }] : []))
        // The last of a book stands for it.
        .toSorted((a, b) => b.since - a.since),
    ),
    transactions: eachOnce(
      asked.flatMap((one) =>
        one.transactionId === undefined ? [] : [{ ...one, transactionId: one.transactionId }],
      ),
      ({ transactionId }) => transactionId,
    ),
  };
}
