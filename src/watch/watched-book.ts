import { shardOf, type BookKey } from '../tables/book-key.ts';
import { emptyBook, type BookState } from '../credit/book-state.ts';
import { ALWAYS } from '../instant.ts';
import type { CauseKind } from '../credit/cause.ts';
import type { Mailbox } from './mailbox.ts';
import type { BalanceMessage, Watched } from './message.ts';

/**
 * A book that somebody watches: its open state, run forward in memory as time passes and replaced when somebody writes.
 * Neither its version nor its clock ever goes back. Changed in place, by follow.ts alone.
 */
export type WatchedBook = {
  readonly key: BookKey;
  readonly shard: number;
  /** By the name of the figures they watch. */
  readonly audiences: Map<string, Audience>;
  loaded: boolean;
  /** Null: nobody has written about this customer yet, as far as known. */
  id: string | null;
  version: number;
  /** Its clock is the latest instant anybody was told about. */
  state: BookState;
  currencies: readonly string[];
  /** Since when loading it has failed, in monotonic milliseconds; null while it works. */
  failingSince: number | null;
};

/**
 * All streams that watch the same figures of a book: what is said to them is computed once, made once and shared.
 * Changed in place, by tell.ts alone.
 */
export type Audience = {
  readonly book: WatchedBook;
  readonly watched: Watched;
  readonly mailboxes: Set<Mailbox>;
  /** The newest figures; null before the book was loaded. */
  current: Figures | null;
  /** What has moved figures since the last message; with thresholds that may be a while. */
  readonly causes: Set<CauseKind>;
};

/** What can be said of a book's figures; `print` is all that is watched, as one text. */
export type Figures = Pick<BalanceMessage, 'balances' | 'below' | 'figures'> & { readonly print: string };

export const createWatchedBook = (key: BookKey): WatchedBook => ({
  ...{ key, shard: shardOf(key), audiences: new Map(), loaded: false, id: null, version: 0 },
  ...{ state: emptyBook(ALWAYS), currencies: [], failingSince: null },
});

export const createAudience = (book: WatchedBook, watched: Watched): Audience => ({
  ...{ book, watched, mailboxes: new Set(), current: null, causes: new Set() },
});
