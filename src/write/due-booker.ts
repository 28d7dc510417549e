import { THE_SERVICE } from '../actor.ts';
import type { BookDue } from '../credit/commands/book-due.ts';
import { databaseTime, type Clock } from '../db/clock.ts';
import type { Instant } from '../instant.ts';
import type { Database } from '../db/database.ts';
import { createLoop } from '../live/loop.ts';
import type { Log } from '../log.ts';
import { isRefusal } from '../refusal.ts';
import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import { booksDue, type DueBook } from '../tables/books.ts';
import type { Books } from './books.ts';
import type { Submission } from './submission.ts';

/**
 * Books what has fallen due in books that nobody writes to. No figure depends on it: reading computes what is due, and
 * the next write books it. It only keeps the journal close behind the clock, so that whoever follows the journal hears
 * of an expiry, and the next write finds little to do. It writes like everybody else, through the queue of the shard;
 * of two instances that come at once the second finds nothing due, and takes no version. What it books it did itself, and no
 * caller; what is due where somebody writes is booked by that write.
 */
export type DueBooker = {
  /** One round: everything due now, in bounded pieces. Resolves with how many books were written. */
  round(): Promise<number>;
  counts(): DueBookerCounts;
  close(): Promise<void>;
};

export type DueBookerCounts = {
  /** How many books were written in all. */
  readonly written: number;
  /** How many books the last look found due, and since when the first of them is; a look finds 512 at most. */
  readonly due: number;
  readonly dueSince: Instant | null;
  /** When a round last came to its end; null: none has. */
  readonly roundAt: Instant | null;
};

export type DueBookerOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly books: Books;
  readonly log: Log;
  readonly everyMs: number;
};

/** Books looked up at once; those of one shard then share a transaction. */
const BOOKS_A_PIECE = 512;

export function createDueBooker({ database, clock, books, log, everyMs }: DueBookerOptions): DueBooker {
  let closed = false;
  let counts: DueBookerCounts = { written: 0, due: 0, dueSince: null, roundAt: null };

  async function round(): Promise<number> {
    // A book that cannot be booked must not keep those behind it waiting.
    const left = new Set<string>();
    let written = 0;
    while (left.size < BOOKS_A_PIECE) {
      const now = clock.reads(await databaseTime(database));
      const found = await booksDue(database, now, BOOKS_A_PIECE + left.size);
      const due = found.filter(({ key }) => !left.has(bookKeyText(key)));
      counts = { ...counts, due: found.length, dueSince: found[0]?.due ?? null };
      if (closed || due.length === 0) break;
      const changed = await bookAll(due);
      written += changed.size;
      counts = { ...counts, written: counts.written + changed.size };
      for (const { key } of due) if (!changed.has(key)) left.add(bookKeyText(key));
    }
    counts = { ...counts, roundAt: clock.now() };
    return written;
  }

  /** One shard after the other: what is due can wait, and callers cannot. */
  async function bookAll(due: readonly DueBook[]): Promise<ReadonlySet<BookKey>> {
    const changed = new Set<BookKey>();
    for (const ofShard of Map.groupBy(due, ({ shard }) => shard).values()) {
      if (closed) break;
      await Promise.all(
        ofShard.map(async ({ key }) => {
          if (await books.submit(bookingOf(key)).catch(failed)) changed.add(key);
        }),
      );
    }
    return changed;
  }

  /** Overloaded or without a database the round is over; what one book meets is its own. */
  function failed(err: unknown): false {
    if (isRefusal(err) && err.refusal.reason !== 'CONFLICT') throw err;
    // A book that somebody else has locked is no fault of anything.
    const level = isRefusal(err) ? 'warn' : 'error';
    log[level]({ err }, 'what is due in a book could not be booked; the next round finds it again');
    return false;
  }

  const loop = createLoop(clock, 0, async () => {
    await round().catch((err: unknown) => {
      log.warn({ err }, 'what is due could not be booked now; the next round finds it again');
    });
    loop.within(everyMs);
  });
  loop.within(everyMs);

  return {
    round,
    counts: () => counts,
    close() {
      closed = true;
      return loop.stop();
    },
  };
}

const NOTHING = new Uint8Array();

/** Answered with whether anything was due. */
const bookingOf = (key: BookKey): Submission<BookDue, boolean> => ({
  key,
  command: { kind: 'bookDue' },
  actor: THE_SERVICE,
  idempotencyKey: null,
  deadline: Infinity,
  content: () => NOTHING,
  differsFrom: () => null,
  reply: {
    respond: ({ changed }) => changed,
    encode: () => NOTHING,
    replay: () => false,
  },
});
