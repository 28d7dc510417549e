import { formatAmount } from '../amount.ts';
import { advanceTo, nextEvent } from '../credit/advance-to.ts';
import { emptyBook, type BookState } from '../credit/book-state.ts';
import { balancesIn } from '../credit/figures.ts';
import { passingsUntil, type Passing } from '../credit/passing.ts';
import type { CauseKind } from '../credit/cause.ts';
import { ALWAYS, later, type Instant } from '../instant.ts';
import type { Watchdog } from '../live/watchdog.ts';
import { inScope } from '../scope.ts';
import { shardOf, type BookKey } from '../tables/book-key.ts';
import type { ConflatingBuffer } from './conflating-buffer.ts';
import type { BookNow } from './load.ts';
import { printOf, thresholdFigures, type BalanceMessage, type Watched } from './message.ts';

/**
 * A book that somebody watches: its open state, run forward in memory as time passes and replaced when somebody writes.
 * Neither its version nor its clock ever goes back. Changed in place, by this file alone.
 */
export type WatchedBook = {
  readonly key: BookKey;
  readonly shard: number;
  /** By the name of the figures they watch. */
  readonly audiences: Map<string, Audience>;
  loaded: boolean;
  /** Null: nobody has written about this customer yet, as far as known. */
  id: number | null;
  version: number;
  /** Its clock is the latest instant anybody was told about. */
  state: BookState;
  currencies: readonly string[];
  /** Since loading it has failed; null while it works. */
  failing: Watchdog | null;
};

/** All streams that watch the same figures of a book: what is said to them is computed once, made once and shared. */
export type Audience = {
  readonly book: WatchedBook;
  readonly watched: Watched;
  readonly buffers: Set<ConflatingBuffer>;
  /** The newest figures; null before the book was loaded. */
  current: Figures | null;
  /** What has moved figures since the last message; with thresholds that may be a while. */
  readonly causes: Set<CauseKind>;
};

/** What can be said of a book's figures; `print` is all that is watched, as one text. */
type Figures = Pick<BalanceMessage, 'balances' | 'below' | 'figures'> & { readonly print: string };

export const createWatchedBook = (key: BookKey): WatchedBook => ({
  key,
  shard: shardOf(key),
  audiences: new Map(),
  loaded: false,
  id: null,
  version: 0,
  state: emptyBook(ALWAYS),
  currencies: [],
  failing: null,
});

export const createAudience = (book: WatchedBook, watched: Watched): Audience => ({
  book,
  watched,
  buffers: new Set(),
  current: null,
  causes: new Set(),
});

/** Takes over a newer version; an older one, or the one there is, changes nothing. */
export function adopt(book: WatchedBook, newer: BookNow): void {
  const { bookId, version, state, currencies, writes } = newer;
  if (book.loaded && version <= book.version) return;
  // What came to pass before the write is a change of its own, with causes of its own.
  if (book.loaded) passTime(book, state.clock);
  const causes = writes
    .filter((write) => write.version > book.version)
    .map(({ cause }) => cause)
    .filter((cause) => cause !== null);
  book.state = advanceTo(state, later(book.state.clock, state.clock)).state;
  book.id = bookId;
  book.version = version;
  book.currencies = currencies;
  book.loaded = true;
  tellAll(book, { causes, passings: [] });
}

/** Lets time pass up to `to`, inclusive: one event after the other, each told at its own instant. */
export function passTime(book: WatchedBook, to: Instant): void {
  for (let at = nextEvent(book.state); at <= to; at = nextEvent(book.state)) {
    const passings = passingsUntil(book.state, at);
    book.state = advanceTo(book.state, at).state;
    tellAll(book, { causes: [], passings });
  }
}

/** The same, and the book then stands at `to`. */
export function bringTo(book: WatchedBook, to: Instant): void {
  passTime(book, to);
  book.state = advanceTo(book.state, to).state;
}

/** Ends every stream of a book. */
export function endAll(book: WatchedBook, error: Error): void {
  for (const { buffers } of book.audiences.values()) for (const buffer of buffers) buffer.end(error);
}

/** How things are, at the instant the book stands at. */
export function messageNow(
  audience: Audience,
  causes: readonly CauseKind[] = [],
  heartbeat = false,
): BalanceMessage {
  audience.current ??= figuresOf(audience);
  const { balances, below, figures } = audience.current;
  const { version, state } = audience.book;
  return { version, asOf: state.clock, balances, below, figures, causes, heartbeat };
}

/** Why a book has changed: through writes, or through what has come to pass by itself. */
type Change = { readonly causes: readonly CauseKind[]; readonly passings: readonly Passing[] };

/** Tells every audience of a book that has changed, if it is news to it. */
function tellAll(book: WatchedBook, change: Change): void {
  for (const audience of book.audiences.values()) tell(audience, change);
}

function tell(audience: Audience, change: Change): void {
  const before = audience.current;
  // Nobody has been told anything yet: the first message will be of how things are by then.
  if (before === null) return;
  const now = figuresOf(audience);
  audience.current = now;
  if (now.print !== before.print) note(audience, change);
  if (now.figures === before.figures) return;
  const message = messageNow(audience, [...audience.causes]);
  audience.causes.clear();
  for (const buffer of audience.buffers) buffer.offer(message);
}

function figuresOf({ book, watched }: Audience): Figures {
  const balances = balancesIn(book.state, book.currencies, watched);
  const figures = thresholdFigures(book.state, watched);
  const below = watched.below.filter(({ amount }, i) => figures[i]! < amount);
  const print = [printOf(balances), ...figures.map(formatAmount)].join('; ');
  const crossings = () => watched.below.map((threshold) => below.includes(threshold)).join(' ');
  return { balances, below, print, figures: watched.below.length === 0 ? print : crossings() };
}

/** Adds what has moved the figures; what has come to pass out of sight has not. */
function note({ causes, watched }: Audience, change: Change): void {
  for (const cause of change.causes) causes.add(cause);
  const { currencies, scope, below } = watched;
  const seen = new Set([...currencies, ...below.map(({ currency }) => currency)]);
  for (const { cause, currency, featureKeys } of change.passings) {
    if ((currencies.length === 0 || seen.has(currency)) && inScope(scope, featureKeys)) causes.add(cause);
  }
}
