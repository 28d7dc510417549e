import type { BookKey } from '../tables/book-key.ts';
import { createHeartbeats } from '../live/heartbeats.ts';
import type { StreamSlots } from '../live/stream-slots.ts';
import type { BalanceMessage, Watched } from './message.ts';
import { createSubscriptions, type Subscription } from './subscriptions.ts';
import { createUpdater, reasonOf, type Updater, type UpdaterOptions } from './updater.ts';
import { messageNow } from './watched-book.ts';

export type BalanceWatch = {
  readonly key: BookKey;
  readonly watched: Watched;
  /** The stream begins with this version or a later one; NOT_CAUGHT_UP where there is none after a short wait. */
  readonly lastVersion: number;
};

/** Streams of balances, and what wakes them. */
export type Hub = Pick<Updater, 'committed' | 'changed' | 'look' | 'close'> & {
  /**
   * The balance now, then each that is news; ends when `signal` aborts. TOO_MANY_WATCHES, NOT_CAUGHT_UP,
   * DATABASE_UNAVAILABLE.
   */
  watch(asked: BalanceWatch, signal: AbortSignal): AsyncGenerator<BalanceMessage, void, undefined>;
  /** How many books are watched. */
  books(): number;
};

export type HubOptions = UpdaterOptions & {
  readonly slots: StreamSlots;
  /** A stream that has been quiet for this long shows that it is alive. */
  readonly heartbeatMs: number;
};

export function createHub(options: HubOptions): Hub {
  const { clock, slots, heartbeatMs } = options;
  const subscriptions = createSubscriptions();
  const updater = createUpdater(options, subscriptions);
  const heartbeats = createHeartbeats<Subscription>(clock, heartbeatMs, ({ audience, buffer }) => {
    updater.bringToNow(audience.book);
    buffer.beat(() => messageNow(audience, [], true));
  });

  function leave(subscription: Subscription): void {
    heartbeats.forget(subscription);
    const unwatched = subscriptions.leave(subscription);
    if (unwatched !== undefined) updater.forget(unwatched);
  }

  async function* watch({ key, watched, lastVersion }: BalanceWatch, signal: AbortSignal) {
    const free = slots.enter();
    const subscription = subscriptions.enter(key, watched);
    const { audience, buffer } = subscription;
    const hangUp = () => buffer.end();
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
    try {
      // Who leaves while many wait, or hears that the database is lost, does not wait for his turn.
      const there = updater.catchUp(audience.book, lastVersion).then(() => true);
      if (await Promise.race([there, buffer.over.then(() => false)])) buffer.offer(messageNow(audience));
      for (;;) {
        const message = await buffer.take();
        if (message === undefined) return;
        heartbeats.heard(subscription);
        yield message;
      }
    } catch (error) {
      throw reasonOf(error);
    } finally {
      signal.removeEventListener('abort', hangUp);
      leave(subscription);
      free();
    }
  }

  const { committed, changed, look, close } = updater;
  return { watch, books: () => subscriptions.all().length, committed, changed, look, close };
}
