/** Every sample is kept, so percentiles are exact: no buckets, no decay. */

/** Samples in the order they came; growing. */
export type Samples = { add(value: number): void; values(): Float64Array };

export function createSamples(): Samples {
  let values = new Float64Array(4096);
  let count = 0;
  return {
    add(value) {
      if (count === values.length) {
        const larger = new Float64Array(count * 2);
        larger.set(values);
        values = larger;
      }
      values[count] = value;
      count += 1;
    },
    values: () => values.slice(0, count),
  };
}

/** The smallest sample that at least `share` (0 to 1) of all samples do not exceed; NaN of none. */
export function percentile(samples: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(samples).toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (samples: ArrayLike<number>): number => percentile(samples, 0.5);

/** `p50 1.2, p99 4.5, p99.9 9.1 ms` */
export function spread(samples: ArrayLike<number>): string {
  const at = (share: number) => percentile(samples, share).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)} ms`;
}
