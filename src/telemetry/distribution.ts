/** A histogram as plain numbers: to observe takes some comparisons, and makes nothing. */
export type Distribution = {
  observe(value: number): void;
  /** How many values were at most each bound, how many there were, and their sum. */
  read(): { readonly upTo: readonly number[]; readonly count: number; readonly sum: number };
};

/** `bounds` ascend; what is above the last is counted, too. */
export function createDistribution(bounds: readonly number[]): Distribution {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  return {
    observe(value) {
      let bucket = 0;
      while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1;
      counts[bucket]! += 1;
      sum += value;
    },
    read() {
      let count = 0;
      const upTo = bounds.map((_, bucket) => (count += counts[bucket]!));
      return { upTo, count: count + counts[bounds.length]!, sum };
    },
  };
}

/** The bounds that OpenTelemetry's conventions advise for durations in seconds, and finer ones for what is quicker. */
export const SECONDS: readonly number[] = [
  0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
