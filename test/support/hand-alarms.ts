import type { Alarms } from '../../src/live/alarms.ts';

/** Alarms that ring when a test moves the time by hand; what is due at once rings at once. */
export type HandAlarms = Alarms & {
  advance(ms: number): void;
  /** Moves on bit by bit until the promise settles; `meanwhile` gives what is under way its time. */
  until<T>(promise: Promise<T>, meanwhile: () => Promise<unknown>): Promise<T>;
};

export function handAlarms(): HandAlarms {
  const armed = new Map<object, { at: number; ring: () => void }>();
  let now = 0;
  const advance = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const [due] = [...armed].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at);
      if (due === undefined) break;
      armed.delete(due[0]);
      now = Math.max(now, due[1].at);
      due[1].ring();
    }
    now = end;
  };
  return {
    now: () => now,
    arm(ms, ring) {
      const key = {};
      armed.set(key, { at: now + ms, ring });
      if (ms <= 0) queueMicrotask(() => advance(0));
      return () => armed.delete(key);
    },
    advance,
    async until(promise, meanwhile) {
      const state = { settled: false };
      const settle = () => (state.settled = true);
      void promise.then(settle).catch(settle);
      while (!state.settled) {
        advance(1);
        await meanwhile();
      }
      return promise;
    },
  };
}
