import type { Timekeeper } from '../db/timekeeper.ts';

/** Calls upon everybody who has not been heard of for a while. */
export type Heartbeats<Item> = {
  /** The item has just been heard of. */
  heard(item: Item): void;
  forget(item: Item): void;
};

/** `onQuiet` is called every `everyMs` that pass without a word; one alarm for all, as all wait equally long. */
export function createHeartbeats<Item>(
  timekeeper: Timekeeper,
  everyMs: number,
  onQuiet: (item: Item) => void,
): Heartbeats<Item> {
  // In the order in which they were last heard of: a map keeps it.
  const lastHeard = new Map<Item, number>();
  let alarm: (() => void) | null = null;

  function ring(): void {
    alarm = null;
    const now = timekeeper.now();
    for (const [item, at] of lastHeard) {
      if (at + everyMs > now) break;
      heard(item);
      onQuiet(item);
    }
    arm();
  }

  function arm(): void {
    const [first] = lastHeard.values();
    if (alarm === null && first !== undefined) alarm = timekeeper.at(first + everyMs, ring);
  }

  function heard(item: Item): void {
    lastHeard.delete(item);
    lastHeard.set(item, timekeeper.now());
    arm();
  }

  return {
    heard,
    forget(item) {
      lastHeard.delete(item);
      if (lastHeard.size > 0) return;
      alarm?.();
      alarm = null;
    },
  };
}
