import { advanceTo, nextEvent } from '../credit/advance-to.ts';
import type { BookState } from '../credit/book-state.ts';
import { isOpen } from '../credit/grant.ts';
import { passingsUntil } from '../credit/passing.ts';
import { later, type Instant } from '../instant.ts';
import type { BookNow } from './load.ts';
import { tellAll } from './tell.ts';
import type { WatchedBook } from './watched-book.ts';

/** Takes over a newer version; an older one, or the one there is, changes nothing. */
export function adopt(
  book: WatchedBook,
  { bookId, version, state, currencies, writes }: Omit<BookNow, 'now'>,
): void {
  if (book.loaded && version <= book.version) return;
  // What came to pass before the write is a change of its own, with causes of its own.
  if (book.loaded) passTime(book, state.clock);
  const causes = writes
    .filter((write) => write.version > book.version)
    .map(({ cause }) => cause)
    .filter((cause) => cause !== null);
  book.state = advanceTo(openPart(state), later(book.state.clock, state.clock)).state;
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

/** Without the closed facts that commands have named: they change no figure again, and would stay in memory. */
const openPart = (state: BookState): BookState => ({
  ...state,
  grants: new Map(
    [...state.grants].flatMap(([id, grant]) => (isOpen(grant) ? [[id, { ...grant, moves: [] }]] : [])),
  ),
  charges: new Map([...state.charges].filter(([, { status }]) => status === 'OPEN')),
  advances: new Map([...state.advances].filter(([, { uncovered }]) => uncovered > 0n)),
  allocations: new Map(),
});
