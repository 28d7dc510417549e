import type { Bench } from './bench.ts';

/** One side of a comparison. `unit` follows the number in the table: `ms`, `spends/s`, `KiB`. */
export type Side = { readonly what: string; readonly value: number; readonly unit: string };

/** What a row promises: a bound on its ratio, or on its own value where there is no other side. */
export type Goal = { readonly bound: 'at least' | 'at most'; readonly value: number };

/** One line of the table. */
export type Row = {
  readonly measured: string;
  readonly ours: Side;
  /** What it is held against; null: nothing but its goal. */
  readonly other: Side | null;
  /** Ours to the other's, in the direction the goal speaks of; null without another side. */
  readonly ratio: number | null;
  readonly goal: Goal | null;
  /** What one has to know to believe it. */
  readonly conditions: string;
};

/** One figure, or a few that need the same data: a name to ask for it by, what it is to show, and how. */
export type Figure = {
  readonly name: string;
  readonly goal: string;
  /** Seconds after which it hangs, and has failed: several times what it takes on an idle machine. */
  readonly limit: number;
  readonly run: (bench: Bench) => Promise<readonly Row[]>;
};

/** Whether a row keeps its promise; null: it promises nothing. */
export function isMet({ goal, ratio, ours }: Row): boolean | null {
  if (goal === null) return null;
  const value = ratio ?? ours.value;
  // What never came keeps no promise.
  if (!Number.isFinite(value)) return false;
  return goal.bound === 'at least' ? value >= goal.value : value <= goal.value;
}
