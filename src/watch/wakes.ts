import type { Committed } from '../live/committed-writes.ts';
import { notCaughtUp } from '../book/questions.ts';
import { waitUntil } from '../db/wait.ts';
import { endAll, unavailable } from './ended.ts';
import { createKeeper, type Keeper, type KeeperOptions } from './keeper.ts';
import { createPoll } from './poll.ts';
import type { Shelf } from './shelf.ts';
import type { Changed } from '../live/signals.ts';
import type { WatchedBook } from './watched-book.ts';

/** What keeps watched books current: commits of this instance, signals of others, instants that come, and the poll. */
export type Wakes = Pick<Keeper, 'bringToNow' | 'forget'> & {
  /** What this instance has committed: nothing has to be asked of the database. */
  committed(committed: readonly Committed[]): void;
  /** What others say they have committed. */
  changed(changed: readonly Changed[]): void;
  /** Asks the database now which of the watched books have changed. */
  look(): void;
  /** Brings a book to what it is now, of a version at least; NOT_CAUGHT_UP where that is not there after a short wait. */
  catchUp(book: WatchedBook, version: number): Promise<void>;
  close(): void;
};

export type WakesOptions = KeeperOptions & { readonly pollMs: number };

/** How long a resumed watch waits for a database that lags behind what its reader has seen. */
const CATCH_UP = { timeoutMs: 1_000, everyMs: 25 };

export function createWakes(options: WakesOptions, shelf: Shelf): Wakes {
  const keeper = createKeeper(options, shelf);
  const poll = createPoll({
    ...options,
    everyMs: options.pollMs,
    watched: () => shelf.all().length > 0,
    seen: () => shelf.all().filter(({ loaded }) => loaded),
    onNewer: (keys) => keys.map(shelf.byKey).forEach((book) => book !== undefined && keeper.reload(book)),
    onStale: () => shelf.all().forEach((book) => endAll(book, unavailable())),
  });

  return {
    bringToNow: keeper.bringToNow,
    forget: keeper.forget,
    look: poll.look,
    committed(committed) {
      for (const written of committed) {
        const book = shelf.byKey(written.key);
        if (book === undefined || written.version <= book.version) continue;
        const next = written.writes[0]!.version === book.version + 1;
        if (book.loaded && next) keeper.takeOver(book, written);
        // A load under way may have missed it; and what others wrote in between is not in hand.
        else keeper.reload(book);
      }
    },
    changed(changed) {
      for (const { bookId, version } of changed) {
        const book = shelf.byId(bookId);
        if (book !== undefined && version > book.version) keeper.reload(book);
      }
    },
    async catchUp(book, version) {
      await poll.awake();
      const load = async () => {
        await keeper.load(book);
        return book.version >= version ? true : undefined;
      };
      if (((await load()) ?? (await waitUntil(load, CATCH_UP))) === undefined) notCaughtUp(version);
      keeper.bringToNow(book);
    },
    close() {
      poll.stop();
      keeper.close();
    },
  };
}
