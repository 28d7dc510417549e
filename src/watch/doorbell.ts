import { randomBytes } from 'node:crypto';
import { openNotifications } from '../db/notifications.ts';
import { pause, type Clock } from '../db/clock.ts';
import type { Log } from '../log.ts';
import type { Changed } from '../live/signals.ts';

/**
 * Tells other instances which books were written here, and hears what they tell. A notification is only ever a hint
 * that saves time: polling is the truth (poll.ts), and with the doorbell off every watch is as right, only later.
 *
 * It is rung from one connection, outside any write, for all that was committed in the last milliseconds: inside each
 * commit it would cost half the writes.
 */
export type Doorbell = {
  ring(changed: readonly Changed[]): void;
  close(): Promise<void>;
};

export type DoorbellOptions = {
  readonly url: string;
  readonly clock: Clock;
  /** How long the database may owe its connection an answer. */
  readonly silenceMs?: number;
  readonly log: Log;
  /** Another instance has written these books. */
  readonly onRing: (changed: readonly Changed[]) => void;
  /** Something may have been written that nobody named: the doorbell was not heard for a while, or too much was. */
  readonly onUnclear: () => void;
};

/** One name for all: notifications stay within their database. */
const CHANNEL = 'credit_ledger_books';
/** How long what is committed is gathered before it is told. */
const GATHER_MS = 3;
/** Postgres takes less than 8000 bytes; a book takes 60 at most. */
const BOOKS_A_PAYLOAD = 125;
const NAMED_AT_ONCE = 8 * BOOKS_A_PAYLOAD;
const EVERYTHING = '*';

export function createDoorbell(options: DoorbellOptions): Doorbell {
  const { log, onRing, onUnclear } = options;
  const instance = randomBytes(6).toString('hex');
  const closing = new AbortController();
  const gathered = new Map<number, Changed>();
  let ringing: Promise<void> | null = null;
  /** Something was written while nobody could be told. */
  let untold = false;

  const notifications = openNotifications({
    ...options,
    channel: CHANNEL,
    onListening() {
      onUnclear();
      if (untold) void tell([EVERYTHING]);
    },
    onLost: (err) => log.warn({ err }, 'the doorbell was cut off; it is connected again'),
    onNotification(payload) {
      const [from, what = ''] = payload.split(' ');
      if (from === instance) return;
      if (what === EVERYTHING) onUnclear();
      else onRing(what.split(',').map(read));
    },
  });

  async function tell(what: readonly string[]): Promise<void> {
    const payloads = what.map((books) => `${instance} ${books}`);
    untold = !(await notifications.notify(payloads).catch(() => false));
  }

  async function ringOn(): Promise<void> {
    while (gathered.size > 0 && !closing.signal.aborted) {
      await pause(GATHER_MS, closing.signal);
      const what = payloadsOf([...gathered.values()]);
      gathered.clear();
      await tell(untold ? [EVERYTHING] : what);
    }
    ringing = null;
  }

  return {
    ring(changed) {
      // More than is told by name need not be kept: then everything is told.
      for (const one of changed) if (gathered.size <= NAMED_AT_ONCE) gathered.set(one.bookId, one);
      if (gathered.size > 0) ringing ??= ringOn();
    },
    async close() {
      closing.abort();
      // First, or what hangs on its connection would be waited for.
      await notifications.close();
      await ringing;
    },
  };
}

function payloadsOf(changed: readonly Changed[]): readonly string[] {
  if (changed.length > NAMED_AT_ONCE) return [EVERYTHING];
  const written = changed.map(({ shard, bookId, version }) => `${shard}:${bookId}:${version}`);
  return Array.from({ length: Math.ceil(written.length / BOOKS_A_PAYLOAD) }, (_, i) =>
    written.slice(i * BOOKS_A_PAYLOAD, (i + 1) * BOOKS_A_PAYLOAD).join(','),
  );
}

function read(text: string): Changed {
  const [shard, bookId, version] = text.split(':').map(Number);
  return { shard: shard!, bookId: bookId!, version: version! };
}
