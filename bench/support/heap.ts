import { readFileSync } from 'node:fs';

/** What a process started with this says in its log of each collection of garbage; any release of ours does. */
export const TELLS_COLLECTIONS = '--trace-gc-nvp';

/** A collection of garbage: how long it stopped the process, and the bytes of heap taken since the one before. */
export type Collection = {
  /** Of all generations, not the young one alone. */
  readonly full: boolean;
  readonly pauseMs: number;
  readonly allocated: number;
  /** Kept for so long that they went to the old generation. */
  readonly promoted: number;
};

/** Bytes of V8's heap. */
export type Heap = Pick<Collection, 'allocated' | 'promoted'>;

/** The collections of a process that {@link TELLS_COLLECTIONS}. */
export const collectionsOf = (logFile: string): readonly Collection[] =>
  collectionsIn(readFileSync(logFile, 'latin1'));

/** What was taken so far, objects included that are long gone; told every few megabytes. */
export function heapUsed(logFile: string): Heap {
  let [allocated, promoted] = [0, 0];
  for (const one of collectionsOf(logFile)) {
    allocated += one.allocated;
    promoted += one.promoted;
  }
  return { allocated, promoted };
}

export const collectionsIn = (log: string): readonly Collection[] =>
  [...log.matchAll(/ pause=([\d.]+) .* gc=(\w+) .* allocated=(\d+) promoted=(\d+) /g)].map(
    ([, pause, kind, allocated, promoted]) => ({
      full: kind === 'mc',
      pauseMs: Number(pause),
      allocated: Number(allocated),
      promoted: Number(promoted),
    }),
  );
