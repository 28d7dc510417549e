import type { Manner } from './commit.ts';

/** Told of batches, to measure and trace them. */
export type BatchObserver = {
  /** What a write that is submitted now is done for; told back with its batch. */
  cause(): unknown;
  /** Does the work of a batch, each time it is tried. */
  around<T>(batch: readonly Caused[], manner: Manner, work: () => Promise<T>): Promise<T>;
  /** A batch that failed is tried once more, or in halves. */
  again(how: 'retry' | 'split'): void;
};

/** A write of a batch, with what it is done for. */
export type Caused = { readonly cause: unknown };
