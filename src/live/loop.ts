import type { Clock } from '../db/clock.ts';

/** Work done again and again: when it is wanted, one at a time, with a breath between. */
export type Loop = {
  /** The work is begun within so many milliseconds, or as soon as the one under way and the breath are over. */
  within(ms: number): void;
  /** Nothing is wanted any more. */
  rest(): void;
  /** Rests for good; resolves when nothing is under way. */
  stop(): Promise<void>;
};

/** `work` must not fail: what goes wrong is its own to deal with. */
export function createLoop(clock: Clock, breathMs: number, work: () => Promise<void>): Loop {
  let dueAt = Infinity;
  let notBefore = -Infinity;
  let working: Promise<void> | null = null;
  let stopped = false;
  let callOff: (() => void) | undefined;

  function arm(): void {
    callOff?.();
    if (dueAt === Infinity || working !== null || stopped) return;
    callOff = clock.after(Math.max(dueAt, notBefore) - clock.monotonic(), begin);
  }

  function begin(): void {
    dueAt = Infinity;
    working = work().finally(() => {
      working = null;
      notBefore = clock.monotonic() + breathMs;
      arm();
    });
  }

  const rest = () => {
    dueAt = Infinity;
    callOff?.();
  };
  return {
    within: (ms) => {
      const at = clock.monotonic() + ms;
      if (at >= dueAt) return;
      dueAt = at;
      arm();
    },
    rest,
    stop: async () => {
      stopped = true;
      rest();
      await working;
    },
  };
}
