import { readFileSync } from 'node:fs';

/** What a process started with this says in its log of each collection of garbage; any release of ours does. */
export const TELLS_COLLECTIONS = '--trace-gc-nvp';

/** Bytes of V8's heap: taken, and kept for so long that they went to the old generation. */
export type Heap = { readonly allocated: number; readonly promoted: number };

/**
 * What was taken so far by a process that {@link TELLS_COLLECTIONS}, objects included that are long gone; told from
 * collection to collection, every few megabytes.
 */
export const heapUsed = (logFile: string): Heap => heapIn(readFileSync(logFile, 'latin1'));

export function heapIn(log: string): Heap {
  let [allocated, promoted] = [0, 0];
  for (const [, took, kept] of log.matchAll(/ gc=\w+ .* allocated=(\d+) promoted=(\d+) /g)) {
    allocated += Number(took);
    promoted += Number(kept);
  }
  return { allocated, promoted };
}
