import type { Instant } from '../instant.ts';
import { processTime, type Clock } from './clock.ts';

/**
 * Now, between two looks at the database's clock, and being woken at an instant. Tests inject one that they move by
 * hand, so nothing that waits for an instant has to be slept for.
 */
export type Timekeeper = {
  now(): Instant;
  /** Tells what the database's clock has just said. */
  observe(databaseTime: Instant): void;
  /** Rings once when `instant` has come, never before; gives back what calls it off. */
  at(instant: Instant, ring: () => void): () => void;
};

/** Of how many looks at the database's clock the best is kept. */
const LOOKS = 8;

/**
 * The longest it sleeps in one go. Node counts no further than 2³¹ ms and fires at once beyond; and the machine's
 * clocks drift apart while it sleeps.
 */
const LONGEST_SLEEP_MS = 10_000;

/**
 * Keeps the database's time by this process's monotonic clock. What the database said was true before it arrived, so
 * `now` is late by the time an answer takes, and never early: nothing is said to have happened before it has.
 */
export function createTimekeeper(clock: Clock): Timekeeper {
  const offsets: number[] = [];
  let offset = processTime() - performance.now();
  const now = (): Instant => clock(Math.floor(performance.now() + offset));
  return {
    now,
    observe(databaseTime) {
      offsets.push(databaseTime - performance.now());
      if (offsets.length > LOOKS) offsets.shift();
      offset = Math.max(...offsets);
    },
    at(instant, ring) {
      let timer: NodeJS.Timeout;
      const sleep = () => {
        timer = setTimeout(wake, Math.min(Math.max(instant - now(), 1), LONGEST_SLEEP_MS));
        // A process with nothing else to do may end.
        timer.unref();
      };
      const wake = () => (now() >= instant ? ring() : sleep());
      sleep();
      return () => clearTimeout(timer);
    },
  };
}
