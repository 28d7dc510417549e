import type { Clock } from '../db/clock.ts';

/** Calls upon everybody who has not been heard of for a while. */
export type Heartbeats<Item> = {
  /** The item has just been heard of. */
  heard(item: Item): void;
  forget(item: Item): void;
};

/** `onQuiet` is called every `everyMs` that pass without a word; one timer for all, as all wait equally long. */
export function createHeartbeats<Item>(
  clock: Clock,
  everyMs: number,
  onQuiet: (item: Item) => void,
): Heartbeats<Item> {
  // In the order in which they were last heard of: a map keeps it.
  const lastHeard = new Map<Item, number>();
  let callOff: (() => void) | null = null;

  function callUpon(): void {
    callOff = null;
    const now = clock.monotonic();
    for (const [item, at] of lastHeard) {
      if (at + everyMs > now) break;
      heard(item);
      onQuiet(item);
    }
    arm();
  }

  function arm(): void {
    const [first] = lastHeard.values();
    if (callOff === null && first !== undefined)
      callOff = clock.after(first + everyMs - clock.monotonic(), callUpon);
  }

  function heard(item: Item): void {
    lastHeard.delete(item);
    lastHeard.set(item, clock.monotonic());
    arm();
  }

  return {
    heard,
    forget(item) {
      lastHeard.delete(item);
      if (lastHeard.size > 0) return;
      callOff?.();
      callOff = null;
    },
  };
}
