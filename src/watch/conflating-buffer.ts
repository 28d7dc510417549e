import type { CauseKind } from '../credit/cause.ts';
import type { BalanceMessage } from './message.ts';

/**
 * What one stream has not been told yet: one message, the newest. A reader that is slow gets fewer of them; causes are
 * merged, and what has changed and changed back is not told at all.
 */
export type ConflatingBuffer = {
  /** Hands over a newer message. */
  offer(message: BalanceMessage): void;
  /** Hands over a sign of life; nothing if there is news, or the reader is behind. Tells whether it was taken. */
  beat(message: () => BalanceMessage): boolean;
  /** Ends the stream, with an error or as if it had come to its end; the second end changes nothing. */
  end(error?: Error): void;
  /** Settles when the stream has ended. */
  readonly over: Promise<void>;
  /** The next message, as soon as there is one; undefined when the stream has ended. Throws what ended it. */
  take(): Promise<BalanceMessage | undefined>;
};

export function createConflatingBuffer(): ConflatingBuffer {
  let news: BalanceMessage | null = null;
  let told: string | null = null;
  let ended: { readonly error: Error | undefined } | null = null;
  let reader: (() => void) | null = null;
  const over = Promise.withResolvers<void>();

  const wake = () => {
    reader?.();
    reader = null;
  };

  function pick(): BalanceMessage | null {
    const message = news;
    news = null;
    if (message === null || (message.figures === told && !message.heartbeat)) return null;
    // The first message says how things are, not what has changed.
    const first = told === null && message.causes.length > 0;
    told = message.figures;
    return first ? { ...message, causes: [] } : message;
  }

  return {
    offer(message) {
      news = news === null || news.heartbeat ? message : { ...message, causes: merged(news, message) };
      wake();
    },
    beat(message) {
      if (news !== null || reader === null) return false;
      news = message();
      wake();
      return true;
    },
    end(error) {
      ended ??= { error };
      over.resolve();
      wake();
    },
    over: over.promise,
    async take() {
      for (;;) {
        if (ended !== null) {
          if (ended.error === undefined) return undefined;
          throw ended.error;
        }
        const message = pick();
        if (message !== null) return message;
        await new Promise<void>((resolve) => (reader = resolve));
      }
    },
  };
}

const merged = (older: BalanceMessage, newer: BalanceMessage): readonly CauseKind[] => [
  ...new Set([...older.causes, ...newer.causes]),
];
