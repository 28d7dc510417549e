import { notCaughtUp } from '../book/questions.ts';
import { nextEvent } from '../credit/advance-to.ts';
import { waitUntil } from '../db/clock.ts';
import { classify } from '../db/failure.ts';
import { NEVER } from '../instant.ts';
import { createAgenda } from '../live/agenda.ts';
import type { Committed } from '../live/committed-writes.ts';
import type { Changed } from '../live/signals.ts';
import { createWatchdog, unavailable } from '../live/watchdog.ts';
import { loadBooks, type BookLoadDeps } from './load.ts';
import { createPoll, MAY_BE_OLD, type PollOptions } from './poll.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Subscriptions } from './subscriptions.ts';
import { adopt, bringTo, endAll, passTime, type WatchedBook } from './watched-book.ts';

/** What keeps watched books current: commits of this instance, signals of others, instants that come, and the poll. */
export type Updater = {
  /** What this instance has committed: nothing has to be asked of the database. */
  committed(committed: readonly Committed[]): void;
  /** What others say they have committed. */
  changed(changed: readonly Changed[]): void;
  /** Asks the database now which of the watched books have changed. */
  look(): void;
  /** Brings a book to what it is now, of a version at least; NOT_CAUGHT_UP where that is not there after a short wait. */
  catchUp(book: WatchedBook, version: number): Promise<void>;
  /** Lets time pass for a book until now; until an instant comes by itself nobody needs to ask for it. */
  bringToNow(book: WatchedBook): void;
  /** Nobody watches the book any more. */
  forget(book: WatchedBook): void;
  close(): Promise<void>;
};

export type UpdaterOptions = BookLoadDeps & PollOptions;

/**
 * Books are loaded in rounds: however many watches begin at once, they wait in turn, and a round is as short as a page.
 */
const LOADS = { atOnce: 2, most: 100 };

/** The most connections that watches use at a time: for rounds of books that are loaded, and for the poll. */
export const WATCH_CONNECTIONS = LOADS.atOnce + 1;

/** How long a resumed watch waits for a database that lags behind what its reader has seen. */
const CATCH_UP = { timeoutMs: 1_000, everyMs: 25 };

export function createUpdater(options: UpdaterOptions, subscriptions: Subscriptions): Updater {
  const updates = bookUpdates(options, subscriptions);
  const { change, load, reload, bringToNow, forget, close } = updates;
  const poll = createPoll(options, subscriptions, reload, updates.loadsAnswered);

  return {
    bringToNow,
    forget,
    look: poll.look,
    committed(committed) {
      for (const written of committed) {
        const book = subscriptions.byKey(written.key);
        if (book === undefined || written.version <= book.version) continue;
        const next = written.writes[0]!.version === book.version + 1;
        if (book.loaded && next) change(book, () => adopt(book, written));
        // A load under way may have missed it; and what others wrote in between is not in hand.
        else reload(book);
      }
    },
    changed(changed) {
      for (const { bookId, version } of changed) {
        const book = subscriptions.byId(bookId);
        if (book !== undefined && version > book.version) reload(book);
      }
    },
    async catchUp(book, version) {
      await poll.awake();
      const isThere = async () => {
        await load(book);
        return book.version >= version ? true : undefined;
      };
      if (((await isThere()) ?? (await waitUntil(isThere, CATCH_UP))) === undefined) notCaughtUp(version);
      bringToNow(book);
    },
    close() {
      close();
      return poll.stop();
    },
  };
}

/** The ways in which a watched book changes: a newer version takes over, time passes. What is news is told on the way. */
function bookUpdates(options: UpdaterOptions, subscriptions: Subscriptions) {
  const { clock, log, staleAfterMs } = options;

  /** Does something to a book. A bug that shows there ends the book's own streams and nothing else. */
  function change(book: WatchedBook, work: () => void): void {
    if (book.audiences.size === 0) return;
    try {
      work();
      subscriptions.found(book);
      agenda.set(book, nextEvent(book.state));
    } catch (error) {
      log.error({ err: error }, 'a watched book could not be followed');
      endAll(book, reasonOf(error));
    }
  }

  const agenda = createAgenda<WatchedBook>(clock, (book) => change(book, () => passTime(book, clock.now())));

  let answeredAt = -Infinity;
  const loads = createSingleFlight<WatchedBook>(LOADS, async (waiting) => {
    // Whose readers have all left meanwhile is not asked about any more.
    const books = waiting.filter(({ audiences }) => audiences.size > 0);
    if (books.length === 0) return;
    const asked = books.map(({ key, loaded, version }) => ({ key, since: loaded ? version : null }));
    const found = await loadBooks(options, asked);
    answeredAt = clock.monotonic();
    for (const [i, book] of books.entries()) {
      works(book);
      change(book, () => adopt(book, found[i]!));
    }
  });

  /** Loads a book in the background: what fails is left to the next poll, and ends the streams once it fails for too long. */
  function reload(book: WatchedBook): void {
    loads.refresh(book).catch((err: unknown) => {
      log.warn({ err }, 'a watched book could not be loaded; it is tried again');
      if (book.audiences.size === 0) return;
      const onSilence = (reason: Error) => endAll(book, reason);
      book.failing ??= createWatchdog(clock, { longestMs: staleAfterMs, words: MAY_BE_OLD, onSilence });
      book.failing.failed(err);
    });
  }

  return {
    change,
    load: (book: WatchedBook) => loads.refresh(book),
    loadsAnswered: () => clock.monotonic() - answeredAt < staleAfterMs,
    reload,
    bringToNow: (book: WatchedBook) => change(book, () => bringTo(book, clock.now())),
    forget: (book: WatchedBook) => {
      works(book);
      agenda.set(book, NEVER);
    },
    close: () => agenda.close(),
  };
}

function works(book: WatchedBook): void {
  book.failing?.answered();
  book.failing = null;
}

/** Why a watch ends that something has been thrown in; a bug stays what it is. */
export function reasonOf(error: unknown): Error {
  if (classify(error) === 'unavailable') return unavailable(MAY_BE_OLD, error);
  return error instanceof Error ? error : new Error('a watch has failed', { cause: error });
}
