import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../instant.ts';
import { statement, type Connection } from './statement.ts';

/**
 * The one place time comes from, and by which everything waits. Instants are the database's, so that every instance on
 * it agrees; how long something takes is counted by the process. Tests inject a clock that they move by hand, so that
 * nothing has to be slept for. What waits by it keeps no process from ending.
 */
export type Clock = {
  /** The instant it is where the database has just said this: the same, unless a test says otherwise. */
  reads(databaseTime: Instant): Instant;
  /** Tells what the database has just said, for `now` to go by. */
  observe(databaseTime: Instant): void;
  /** Now, between two looks at the database's clock: up to the time an answer takes late, and never early. */
  now(): Instant;
  /** Milliseconds that only grow, whoever sets a clock: to measure and wait by, never to say when something happened. */
  monotonic(): number;
  /** Wakes once when the instant has come, never before; gives back what calls it off. */
  at(instant: Instant, wake: () => void): () => void;
  /** Wakes once after so many milliseconds; what is further away than timers count (24 days) never comes. */
  after(ms: number, wake: () => void): () => void;
};

/** What it takes to say which instant it is where the database has been asked. */
export type DatabaseClock = Pick<Clock, 'reads'>;

/** Of how many looks at the database's clock the best is kept. */
const LOOKS = 8;

/** The longest it sleeps before it looks again: the machines' clocks drift apart meanwhile. */
const LONGEST_SLEEP_MS = 10_000;

/** Node counts no further, and fires at once beyond. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the database's time by this process's monotonic clock. What the database said was true before it arrived. */
export function createClock(): Clock {
  const offsets: number[] = [];
  let offset = processTime() - monotonic();
  const now = (): Instant => Math.floor(monotonic() + offset);
  return {
    reads: (time) => time,
    observe(time) {
      offsets.push(time - monotonic());
      if (offsets.length > LOOKS) offsets.shift();
      offset = Math.max(...offsets);
    },
    now,
    monotonic,
    at(instant, wake) {
      let callOff: () => void;
      const wait = () => {
        callOff = after(Math.min(Math.max(instant - now(), 1), LONGEST_SLEEP_MS), look);
      };
      const look = () => (now() >= instant ? wake() : wait());
      wait();
      return () => callOff();
    },
    after,
  };
}

function after(ms: number, wake: () => void): () => void {
  if (ms > LONGEST_TIMER_MS) return () => undefined;
  const timer = setTimeout(wake, Math.max(ms, 0)).unref();
  return () => clearTimeout(timer);
}

/** The process's own milliseconds, for what no test moves: how long a call took, how long a start may take. */
export const monotonic = (): number => performance.now();

/** The process's own time since 1970, for what never reaches the ledger: ids. */
export const processTime = (): Instant => Date.now();

const NOW = statement<{ now: Instant }>('now', `select date_trunc('milliseconds', clock_timestamp()) as now`);

/** The database's time, cut to the millisecond. */
export async function databaseTime(connection: Connection): Promise<Instant> {
  const [row] = await connection.run(NOW);
  return row!.now;
}

/**
 * Asks `probe` until it answers something other than undefined: for what another process is about to do, by the time of
 * this one. Never longer than `timeoutMs`: then the answer is undefined, and the caller says what it was waiting for.
 */
export async function waitUntil<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  { timeoutMs, everyMs = 10 }: { timeoutMs: number; everyMs?: number },
): Promise<T | undefined> {
  const deadline = monotonic() + timeoutMs;
  while (true) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (monotonic() >= deadline) return undefined;
    await sleep(everyMs);
  }
}

/** Lets everybody else have a turn who waits for one. */
export const yieldTurn = (): Promise<void> => turn();

/** Waits, or until `signal` aborts; it is the process that waits, and for a turn of its loop at least. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  sleep(ms, undefined, signal && { signal }).catch(() => undefined);
