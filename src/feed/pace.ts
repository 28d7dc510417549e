import type { Alarms } from '../live/alarms.ts';

/** Work done again and again: when it is wanted, one at a time, with a breath between. */
export type Pace = {
  /** The work is begun within so many milliseconds, or as soon as the one under way and the breath are over. */
  within(ms: number): void;
  /** Nothing is wanted any more. */
  rest(): void;
  /** Rests for good; resolves when nothing is under way. */
  stop(): Promise<void>;
};

/** `work` must not fail: what goes wrong is its own to deal with. */
export function createPace(alarms: Alarms, breathMs: number, work: () => Promise<void>): Pace {
  let dueAt = Infinity;
  let notBefore = -Infinity;
  let working: Promise<void> | null = null;
  let stopped = false;
  let disarm: (() => void) | undefined;

  function arm(): void {
    disarm?.();
    if (dueAt === Infinity || working !== null || stopped) return;
    disarm = alarms.arm(Math.max(0, Math.max(dueAt, notBefore) - alarms.now()), begin);
  }

  function begin(): void {
    dueAt = Infinity;
    working = work().finally(() => {
      working = null;
      notBefore = alarms.now() + breathMs;
      arm();
    });
  }

  const rest = () => {
    dueAt = Infinity;
    disarm?.();
  };
  return {
    within: (ms) => {
      const at = alarms.now() + ms;
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
