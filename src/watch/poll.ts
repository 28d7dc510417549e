import { newerThan, type Seen } from '../tables/book-rows.ts';
import type { BookKey } from '../tables/book-key.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll, type Database } from '../db/database.ts';
import type { Timekeeper } from '../db/timekeeper.ts';
import type { Log } from '../log.ts';
import { createLoads } from './loads.ts';

/**
 * Asks the database now and then which of the watched books have been written, one statement for all. It alone is
 * enough for every watch to be right; signals only make it sooner. Without it nobody would know what is missed.
 */
export type Poll = {
  /** Resolves when it has been asked at least once since the last pause; begins to ask regularly. */
  awake(): Promise<void>;
  /** Asks now, in the background; what fails is left to the next time. */
  look(): void;
  stop(): void;
};

export type PollOptions = {
  readonly database: Database;
  readonly timekeeper: Timekeeper;
  readonly log: Log;
  readonly everyMs: number;
  /** After failing for this long nothing that is shown counts as current any more. */
  readonly staleAfterMs: number;
  /** Whether anybody watches anything; it pauses while nobody does. */
  readonly watched: () => boolean;
  /** What has been seen of the books that are watched: of those that are not loaded yet, nothing. */
  readonly seen: () => readonly Seen[];
  readonly onNewer: (keys: readonly BookKey[]) => void;
  readonly onStale: () => void;
};

export function createPoll(options: PollOptions): Poll {
  const { database, timekeeper, log, everyMs, staleAfterMs, watched, seen, onNewer, onStale } = options;
  let alarm: (() => void) | null = null;
  /** Since when there was no answer, in monotonic milliseconds; null: the last question was answered. */
  let unansweredSince: number | null = null;
  let stopped = false;

  async function ask(): Promise<void> {
    unansweredSince ??= performance.now();
    const books = seen();
    const newer = await database.snapshot(async (connection) => {
      const [keys, now] = await settleAll([newerThan(connection, books), databaseTime(connection)]);
      timekeeper.observe(now);
      return keys;
    });
    unansweredSince = null;
    if (newer.length > 0) onNewer(newer);
  }

  // One at a time; who comes during one, which may have missed something, shares the next. So none pile up either.
  const looks = createLoads<'everything'>(1, ask);

  function look(): void {
    if (seen().length === 0) return;
    looks.refresh('everything').catch((err: unknown) => {
      log.warn({ err }, 'watched books could not be looked at; it is tried again');
      endIfStale();
    });
  }

  function tick(): void {
    alarm = null;
    if (stopped) return;
    endIfStale();
    if (!watched()) return;
    look();
    alarm = timekeeper.at(timekeeper.now() + everyMs, tick);
  }

  function endIfStale(): void {
    if (unansweredSince !== null && performance.now() - unansweredSince >= staleAfterMs) onStale();
  }

  return {
    async awake() {
      if (alarm !== null) return;
      alarm = timekeeper.at(timekeeper.now() + everyMs, tick);
      // The clock was not looked at during the pause.
      unansweredSince = null;
      await looks.refresh('everything');
    },
    look,
    stop() {
      stopped = true;
      alarm?.();
    },
  };
}
