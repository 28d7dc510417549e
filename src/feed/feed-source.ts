import type { ReadTransaction } from '../ledger/read-journal.ts';
import { refuse } from '../refusal.ts';
import type { Watermark } from './horizons.ts';

export type FollowedTransaction = { readonly customerId: string; readonly transaction: ReadTransaction };

/** Where a feed comes from: the journal of one customer, or of a namespace. It knows how far it has been told. */
export type FeedSource = {
  /** Whether there may be something to read, as far as the tail knows. */
  isBehind(): boolean;
  /** Whether all has been told that was recorded before the watermark. */
  isPast(watermark: Watermark): boolean;
  /** Reads on. Taking one of what it answers moves the cursor behind it; taking all of it, behind all that was read. */
  read(): Promise<Iterable<FollowedTransaction>>;
  /** How far it has been told, as bytes. */
  cursor(): Buffer;
};

/** Refuses a cursor that is ahead of the database: what it has told of is not there. */
export const refuseAhead = (): never =>
  refuse(
    'PAGE_TOKEN_MISMATCH',
    'cursor: it is ahead of the database, which has been restored to an earlier moment; start over without it',
    { field: 'cursor', rule: 'cursor' },
  );
