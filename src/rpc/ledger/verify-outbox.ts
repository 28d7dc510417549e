import type { Finding } from '../../verify/finding.ts';
import type { Listener, Progress, Summary } from '../../verify/verify.ts';
import type { Clock } from '../../db/clock.ts';
import { createBell } from '../../live/bell.ts';
import { RefusalError } from '../../refusal.ts';

/** Told at least this often, also while nothing is found and nothing moves. */
const HEARTBEAT_MS = 1_000;
/** And progress at most this often. */
const PROGRESS_MS = 250;
/** Findings that wait for their reader before the verification waits too, and for how long it does. */
type Patience = { readonly unread: number; readonly forMs: number };
const PATIENCE: Patience = { unread: 1_000, forMs: 30_000 };

type Told = Progress | Summary | { readonly customerId: string; readonly finding: Finding };

/**
 * Between a verification and whoever reads it, so that a slow reader does not keep a snapshot open: findings wait here,
 * of progress only the latest. A reader who lets too many wait for too long is told LIMIT_REACHED.
 */
export type Outbox = {
  readonly listener: Listener;
  /** Progress at once and then now and again, findings as they are found, the summary at the end of the work. */
  messages(work: Promise<Summary>): AsyncGenerator<Told, void, undefined>;
  /** Nobody reads any more. */
  close(): void;
};

export function createOutbox(clock: Clock, patience: Patience = PATIENCE): Outbox {
  const unread: { readonly customerId: string; readonly finding: Finding }[] = [];
  const news = createBell(clock);
  let progress: Progress | undefined;
  let drained: (() => void) | undefined;

  async function* messages(work: Promise<Summary>): AsyncGenerator<Told, void, undefined> {
    let outcome: (() => Summary) | undefined;
    void work
      .then(
        (summary) => (outcome = () => summary),
        (error: unknown) => {
          outcome = () => {
            throw error;
          };
        },
      )
      .then(news.ring);
    let sent: { readonly at: number; readonly progress: Progress } | undefined;
    for (;;) {
      const sinceMs = sent === undefined ? Infinity : Math.ceil(clock.monotonic() - sent.at);
      if (progress !== undefined && sinceMs >= (progress === sent?.progress ? HEARTBEAT_MS : PROGRESS_MS)) {
        sent = { at: clock.monotonic(), progress };
        yield progress;
      }
      const found = unread.splice(0);
      drained?.();
      yield* found;
      if (unread.length > 0) continue;
      if (outcome !== undefined) return yield outcome();
      await news.heard(PROGRESS_MS);
    }
  }

  function untilRead(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    drained = resolve;
    const callOff = clock.after(patience.forMs, () => reject(tooSlow(patience)));
    return promise.finally(callOff);
  }

  return {
    messages,
    listener: {
      progress: (now) => {
        const first = progress === undefined;
        progress = now;
        if (first) news.ring();
      },
      async found(customerId, finding) {
        unread.push({ customerId, finding });
        news.ring();
        if (unread.length >= patience.unread) await untilRead();
      },
    },
    close: () => drained?.(),
  };
}

const tooSlow = ({ unread, forMs }: Patience): RefusalError =>
  new RefusalError({
    reason: 'LIMIT_REACHED',
    message: `${unread} findings were not read for ${forMs / 1_000} s: verify again and read along`,
    metadata: { limit: String(unread) },
  });
