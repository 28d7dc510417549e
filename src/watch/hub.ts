import type { BookKey } from '../tables/book-key.ts';
import { reasonOf } from './ended.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { BalanceMessage, Watched } from './message.ts';
import type { StreamSlots } from '../live/stream-slots.ts';
import { createShelf, type Stream } from './shelf.ts';
import { messageNow } from './tell.ts';
import { createWakes, type Wakes, type WakesOptions } from './wakes.ts';

export type BalanceWatch = {
  readonly key: BookKey;
  readonly watched: Watched;
  /** The stream begins with this version or a later one; NOT_CAUGHT_UP where there is none after a short wait. */
  readonly lastVersion: number;
};

/** Streams of balances, and what wakes them. */
export type Hub = Pick<Wakes, 'committed' | 'changed' | 'look' | 'close'> & {
  /**
   * The balance now, then each that is news; ends when `signal` aborts. TOO_MANY_WATCHES, NOT_CAUGHT_UP,
   * DATABASE_UNAVAILABLE.
   */
  watch(asked: BalanceWatch, signal: AbortSignal): AsyncGenerator<BalanceMessage, void, undefined>;
  /** How many books are watched. */
  books(): number;
};

export type HubOptions = WakesOptions & {
  readonly slots: StreamSlots;
  /** A stream that has been quiet for this long shows that it is alive. */
  readonly heartbeatMs: number;
};

export function createHub(options: HubOptions): Hub {
  const { timekeeper, slots, heartbeatMs } = options;
  const shelf = createShelf();
  const wakes = createWakes(options, shelf);
  const heartbeats = createHeartbeats<Stream>(timekeeper, heartbeatMs, ({ audience, mailbox }) => {
    wakes.bringToNow(audience.book);
    mailbox.beat(() => messageNow(audience, [], true));
  });

  function leave(stream: Stream): void {
    heartbeats.forget(stream);
    const unwatched = shelf.leave(stream);
    if (unwatched !== undefined) wakes.forget(unwatched);
  }

  async function* watch({ key, watched, lastVersion }: BalanceWatch, signal: AbortSignal) {
    const free = slots.enter();
    const stream = shelf.enter(key, watched);
    const { audience, mailbox } = stream;
    const hangUp = () => mailbox.end();
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
    try {
      await wakes.catchUp(audience.book, lastVersion);
      mailbox.offer(messageNow(audience));
      for (;;) {
        const message = await mailbox.take();
        if (message === undefined) return;
        heartbeats.heard(stream);
        yield message;
      }
    } catch (error) {
      throw reasonOf(error);
    } finally {
      signal.removeEventListener('abort', hangUp);
      leave(stream);
      free();
    }
  }

  const { committed, changed, look, close } = wakes;
  return { watch, books: () => shelf.all().length, committed, changed, look, close };
}
