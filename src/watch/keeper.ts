import { nextEvent } from '../credit/advance-to.ts';
import type { QueryDeps } from '../book/questions.ts';
import type { Timekeeper } from '../db/timekeeper.ts';
import { NEVER } from '../instant.ts';
import type { Log } from '../log.ts';
import { createAgenda } from './agenda.ts';
import { endAll, reasonOf } from './ended.ts';
import { adopt, bringTo, passTime } from './follow.ts';
import { loadBook, type BookNow } from './load.ts';
import { createLoads } from './loads.ts';
import type { Shelf } from './shelf.ts';
import type { WatchedBook } from './watched-book.ts';

/** Changes watched books: a newer version takes over, time passes. What is news is told on the way. */
export type Keeper = {
  takeOver(book: WatchedBook, newer: Omit<BookNow, 'now'>): void;
  /** Loads a book; settles as a load that began after the call. */
  load(book: WatchedBook): Promise<void>;
  /** The same in the background: what fails is left to the next poll, and ends the streams once it fails for too long. */
  reload(book: WatchedBook): void;
  /** Lets time pass for a book until now; until an instant comes by itself nobody needs to ask for it. */
  bringToNow(book: WatchedBook): void;
  /** Nobody watches the book any more. */
  forget(book: WatchedBook): void;
  close(): void;
};

export type KeeperOptions = QueryDeps & {
  readonly timekeeper: Timekeeper;
  readonly log: Log;
  /** A watch that hears nothing of the database for longer than this ends, rather than show what may be old. */
  readonly staleAfterMs: number;
};

/** Books loaded at once: writes and questions use the pool, too. */
const LOADS_AT_ONCE = 4;

export function createKeeper(options: KeeperOptions, shelf: Shelf): Keeper {
  const { timekeeper, log, staleAfterMs } = options;

  /** Does something to a book. A bug that shows there ends the book's own streams and nothing else. */
  function change(book: WatchedBook, work: () => void): void {
    if (book.audiences.size === 0) return;
    try {
      work();
      shelf.found(book);
      agenda.set(book, nextEvent(book.state));
    } catch (error) {
      log.error({ err: error }, 'a watched book could not be followed');
      endAll(book, reasonOf(error));
    }
  }

  const agenda = createAgenda<WatchedBook>(timekeeper, (book) =>
    change(book, () => passTime(book, timekeeper.now())),
  );

  const loads = createLoads<WatchedBook>(LOADS_AT_ONCE, async (book) => {
    const found = await loadBook(options, book.key, book.loaded ? book.version : null);
    book.failingSince = null;
    change(book, () => adopt(book, found));
  });

  return {
    takeOver: (book, newer) => change(book, () => adopt(book, newer)),
    load: (book) => loads.refresh(book),
    reload: (book) =>
      void loads.refresh(book).catch((err: unknown) => {
        log.warn({ err }, 'a watched book could not be loaded; it is tried again');
        book.failingSince ??= performance.now();
        if (performance.now() - book.failingSince >= staleAfterMs) endAll(book, reasonOf(err));
      }),
    bringToNow: (book) => change(book, () => bringTo(book, timekeeper.now())),
    forget: (book) => agenda.set(book, NEVER),
    close: () => agenda.close(),
  };
}
