import type { Duplex } from 'node:stream';
import type pg from 'pg';
import type { Clock } from './clock.ts';

/**
 * Knows when a connection has been asked something and nothing comes back: the other side may be gone without a word,
 * which the network itself tells only after minutes. One timer for all connections, however much they are asked.
 */
export type SilenceWatch = {
  /** Listens to a connection from now on. */
  listenTo(connection: ListenedTo): Listening;
};

/** A connection, as far as its silence is concerned. */
export type ListenedTo = {
  /** Nobody works with it: on suspicion it can be given up, at the price of opening another. */
  isIdle(): boolean;
  /** It is of no more use: what it is asked is to fail with the error. */
  giveUp(error: Error): void;
};

export type Listening = {
  /** It owes an answer from now on. */
  asked(): void;
  /** It owes none. */
  answered(): void;
  /** It is known to be silent, before its time is up. */
  isSilent(): void;
  /** It has ended. */
  over(): void;
};

/** The database has not answered for longer than it may. Whether it has done what it was asked is unknown. */
class SilenceError extends Error {
  /** Postgres' code for a connection that failed. */
  readonly code = '08006';

  constructor() {
    super('the database does not answer over this connection, which is given up');
    this.name = 'SilenceError';
  }
}

/** A process that was frozen itself first hears what has come meanwhile. */
const HEARING_MS = 100;

type Entry = { readonly connection: ListenedTo; askedAt: number; owes: boolean };

/** Gives up each connection that owes an answer for longer than `limitMs`, and those that may be as silent. */
export function createSilenceWatch(clock: Pick<Clock, 'after' | 'monotonic'>, limitMs: number): SilenceWatch {
  const open = new Set<Entry>();
  let isArmed = false;

  function arm(ms: number, then: () => void): void {
    isArmed = true;
    clock.after(ms, then);
  }

  function look(): void {
    isArmed = false;
    const owing = [...open].filter(({ owes }) => owes);
    if (owing.length === 0) return;
    const leftMs = Math.min(...owing.map(({ askedAt }) => askedAt)) + limitMs - clock.monotonic();
    if (leftMs > 0) arm(leftMs, look);
    else arm(HEARING_MS, judge);
  }

  function judge(): void {
    const latest = clock.monotonic() - limitMs;
    for (const entry of open) if (entry.owes && entry.askedAt <= latest) giveUp(entry);
    look();
  }

  /** Who idles and has not been asked since is likely to be as silent: it should not take another caller to find out. */
  function giveUp(silent: Entry): void {
    for (const entry of open) {
      const isSuspect = !entry.owes && entry.askedAt <= silent.askedAt && entry.connection.isIdle();
      if (entry !== silent && !isSuspect) continue;
      open.delete(entry);
      entry.connection.giveUp(new SilenceError());
    }
  }

  return {
    listenTo(connection) {
      const entry: Entry = { connection, askedAt: clock.monotonic(), owes: false };
      open.add(entry);
      return {
        asked: () => {
          entry.askedAt = clock.monotonic();
          entry.owes = true;
          if (!isArmed) arm(limitMs, look);
        },
        answered: () => {
          entry.owes = false;
        },
        isSilent: () => giveUp(entry),
        over: () => void open.delete(entry),
      };
    },
  };
}

/** Ends a connection without a word to the other side, which may not listen; what it is asked fails with the error. */
export function cutOff(client: pg.ClientBase, error: Error): void {
  (client as unknown as { connection: { stream: Duplex } }).connection.stream.destroy(error);
}

/** So that a connection of which nothing is asked is noticed to be gone, too: every 5 seconds it has to prove itself. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5_000 };

/**
 * The same on the other side, as settings of the session: where this process's machine or the network is gone, Postgres
 * ends its sessions in some 10 seconds, and their locks with them. Postgres ignores these on Unix sockets.
 */
export const SERVER_KEEP_ALIVE =
  '-c tcp_user_timeout=10000 -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3';
