import fc from 'fast-check';
import type { Step } from '../support/histories.ts';

/** Fixed, so that a run says the same today and tomorrow; any other seed has to pass too. */
const SEED = 20_260_101;

type Law = (steps: readonly Step[]) => void;

/** The shortest history found that breaks a law, and how; null when none of so many does. */
export const breaking = (
  histories: fc.Arbitrary<readonly Step[]>,
  numRuns: number,
  law: Law,
  seed = SEED,
): string | null => check(histories, law, { numRuns, seed });

/** The first such history, without looking for the shortest: for what is known to be wrong. */
export const broken = (histories: fc.Arbitrary<readonly Step[]>, numRuns: number, law: Law): string | null =>
  check(histories, law, { numRuns, seed: SEED, endOnFailure: true });

const check = (
  histories: fc.Arbitrary<readonly Step[]>,
  law: Law,
  run: fc.Parameters<[readonly Step[]]>,
): string | null => fc.defaultReportMessage(fc.check(fc.property(histories, law), run)) ?? null;
