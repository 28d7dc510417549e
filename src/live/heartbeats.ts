import type { Clock } from '../db/clock.ts';
import { NEVER } from '../instant.ts';
import { createAgenda } from './agenda.ts';

/** Calls upon everybody who has not been heard of for a while. */
export type Heartbeats<Item> = {
  /** The item has just been heard of. */
  heard(item: Item): void;
  forget(item: Item): void;
};

/** `onQuiet` is called every `everyMs` that pass without a word. */
export function createHeartbeats<Item>(
  clock: Clock,
  everyMs: number,
  onQuiet: (item: Item) => void,
): Heartbeats<Item> {
  // A database's clock that is set must not keep anybody from showing that he is alive.
  const byProcess = {
    now: clock.monotonic,
    at: (end: number, wake: () => void) => clock.after(end - clock.monotonic(), wake),
  };
  const heard = (item: Item) => quiet.set(item, clock.monotonic() + everyMs);
  const quiet = createAgenda<Item>(byProcess, (item) => {
    heard(item);
    onQuiet(item);
  });
  return { heard, forget: (item) => quiet.set(item, NEVER) };
}
