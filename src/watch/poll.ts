import { databaseTime, type Clock } from '../db/clock.ts';
import { awaitAll, type Database } from '../db/database.ts';
import { createLoop } from '../live/loop.ts';
import { createWatchdog } from '../live/watchdog.ts';
import type { Log } from '../log.ts';
import { newerThan } from '../tables/books.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Subscriptions } from './subscriptions.ts';
import { endAll, type WatchedBook } from './watched-book.ts';

/**
 * Asks the database now and then which of the watched books have been written, one statement for all. It alone is
 * enough for every watch to be right; signals only make it sooner. Without it nobody would know what is missed.
 */
export type Poll = {
  /** Resolves when it has been asked at least once since the last pause; begins to ask regularly. */
  awake(): Promise<void>;
  /** Asks now, in the background; what fails is left to the next time. */
  look(): void;
  stop(): Promise<void>;
};

/** One statement for all. */
const ONE = { atOnce: 1, most: 1 };

export type PollOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  /** After so long without an answer nothing that is shown counts as current any more, and all watches end. */
  readonly staleAfterMs: number;
};

/** What a caller is told whose watch can no longer tell whether what it shows is current. */
export const MAY_BE_OLD = 'the database cannot be reached, so what is shown may be old; open the watch again';

/**
 * Looks while anybody watches anything; `onNewer` is told of each book that has been written. `loadsAnswered` tells whether
 * books have been loaded lately.
 */
export function createPoll(
  { database, clock, log, pollMs, staleAfterMs }: PollOptions,
  subscriptions: Subscriptions,
  onNewer: (book: WatchedBook) => void,
  loadsAnswered: () => boolean,
): Poll {
  const watchdog = createWatchdog(clock, {
    longestMs: staleAfterMs,
    words: MAY_BE_OLD,
    onSilence: (reason) => {
      // Of a book that waits to be loaded nothing is shown that could be old. While others are, its turn will come.
      const isWaiting = loadsAnswered() ? ({ loaded }: WatchedBook) => !loaded : () => false;
      for (const book of subscriptions.all()) if (!isWaiting(book)) endAll(book, reason);
    },
  });
  // Of books that are not loaded yet nothing has been seen.
  const seen = () => subscriptions.all().filter(({ loaded }) => loaded);
  let isAwake = false;

  async function compare(): Promise<void> {
    const books = seen();
    const newer = await database.snapshot(async (connection) => {
      const [keys, now] = await awaitAll([newerThan(connection, books), databaseTime(connection)]);
      clock.observe(now);
      return keys;
    });
    watchdog.answered();
    for (const book of newer.map(subscriptions.byKey)) if (book !== undefined) onNewer(book);
  }

  // Who comes during a look, which may have missed something, shares the next. So none pile up either.
  const looks = createSingleFlight<'everything'>(ONE, compare);
  const ask = () => {
    watchdog.asked();
    return looks.refresh('everything');
  };
  const look = () =>
    ask().catch((err: unknown) => {
      log.warn({ err }, 'watched books could not be looked at; it is tried again');
    });

  const loop = createLoop(clock, 0, async () => {
    isAwake = subscriptions.all().length > 0;
    if (!isAwake) return watchdog.answered();
    loop.within(pollMs);
    // Also while all are still to be loaded: how else would they hear that the database is lost?
    await look();
  });

  return {
    async awake() {
      if (isAwake) return;
      isAwake = true;
      loop.within(pollMs);
      // The clock was not looked at during the pause.
      await ask();
    },
    look: () => {
      if (seen().length > 0) void look();
    },
    stop: loop.stop,
  };
}
