import type { Clock } from '../db/clock.ts';

/** Something that one waits for: rung while nobody listens, it is heard at once; rung twice, it is heard once. */
export type Bell = {
  ring(): void;
  /** Resolves when it is rung, or after so many milliseconds. */
  heard(withinMs?: number): Promise<void>;
};

export function createBell(clock: Clock): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    async heard(withinMs = Infinity) {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const callOff = clock.after(withinMs, resolve);
        await promise;
        callOff();
      }
      [rung, wake] = [false, undefined];
    },
  };
}
