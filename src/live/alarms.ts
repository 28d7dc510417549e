/** The process's time as feeds use it: to wait by, never to say when something happened. Tests move it by hand. */
export type Alarms = {
  /** Milliseconds that only grow. */
  now(): number;
  /** Rings once after so many milliseconds, unless it is disarmed before by what this answers. */
  arm(ms: number, ring: () => void): () => void;
};

// Node's timers cannot count further, and would ring at once.
const LONGEST_MS = 2 ** 31 - 1;

export const processAlarms: Alarms = {
  now: () => performance.now(),
  arm: (ms, ring) => {
    const timer = setTimeout(ring, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

/** Something that one waits for: rung while nobody listens, it is heard at once; rung twice, it is heard once. */
export type Bell = {
  ring(): void;
  /** Resolves when it is rung, or after so many milliseconds. */
  heard(withinMs: number): Promise<void>;
};

export function createBell(alarms: Alarms): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    async heard(withinMs) {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const disarm = alarms.arm(withinMs, resolve);
        await promise;
        disarm();
      }
      [rung, wake] = [false, undefined];
    },
  };
}
