import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../src/db/clock.ts';

/** A clock that stands still until a test moves it; whatever waits by it is woken by the move, and by nothing else. */
export type TestClock = {
  readonly clock: Clock;
  /** The instant it shows: the database's. Moved on, so much time has passed; set back, none. */
  now: number;
  /** Lets so many milliseconds pass for what waits so long; the instant stays, so that a test can name it. */
  pass(ms: number): void;
  /** Lets time pass bit by bit until the promise settles; `meanwhile` gives what is under way its time. */
  until<T>(promise: Promise<T>, meanwhile?: () => Promise<unknown>): Promise<T>;
};

export function testClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  const waiting = new Map<symbol, { readonly isDue: () => boolean; readonly wake: () => void }>();
  let now = start;
  let monotonic = 0;

  function wakeDue(): void {
    for (const [key, { isDue, wake }] of Array.from(waiting)) {
      if (isDue() && waiting.delete(key)) wake();
    }
  }

  function wait(isDue: () => boolean, wake: () => void): () => void {
    const key = Symbol('waiting');
    waiting.set(key, { isDue, wake });
    // What is late already is woken as by a real clock: soon, and not from within.
    if (isDue()) queueMicrotask(wakeDue);
    return () => void waiting.delete(key);
  }

  function pass(ms: number): void {
    monotonic += Math.max(ms, 0);
    wakeDue();
  }

  return {
    clock: {
      reads: () => now,
      observe: () => undefined,
      now: () => now,
      monotonic: () => monotonic,
      at: (instant, wake) => wait(() => now >= instant, wake),
      after: (ms, wake) => {
        const end = monotonic + ms;
        return wait(() => monotonic >= end, wake);
      },
    },
    get now() {
      return now;
    },
    set now(instant) {
      const passed = instant - now;
      now = instant;
      pass(passed);
    },
    pass,
    async until(promise, meanwhile = () => pause(1)) {
      const state = { settled: false };
      const settle = () => (state.settled = true);
      void promise.then(settle, settle);
      while (!state.settled) {
        pass(1);
        await meanwhile();
      }
      return promise;
    },
  };
}
