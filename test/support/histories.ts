import fc from 'fast-check';
import type { Instant } from '../../src/instant.ts';
import { actOf, anyAct, commandOf, CURRENCIES, GRID, type Act } from './acts.ts';
import { REFERENCE_TIME } from './builders.ts';

export { commandOf, CURRENCIES, GRID };

/** A point of the two time axes, in grid steps before (−) or after now. */
export type Question = { readonly asOf: number; readonly knownAt: number };

/** One step of a history: the clock moves, something is asked of the book, and somebody looks at it. */
export type Step = { readonly wait: number; readonly act: Act; readonly question: Question };

/** The wall clock of a history as it begins. */
export const START: Instant = REFERENCE_TIME;

const stepOf = (act: fc.Arbitrary<Act>): fc.Arbitrary<Step> =>
  fc.record({
    /** Mostly the clock stands or moves a little; sometimes far; sometimes it is set back. */
    wait: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3, 12, -2),
    act,
    question: fc.record({
      asOf: fc.integer({ min: -16, max: 16 }),
      knownAt: fc.integer({ min: -16, max: 0 }),
    }),
  });

const ofGrantsAndSpending = stepOf(actOf({ consume: 11, createGrant: 8, voidGrant: 1 }));
const ofEverything = stepOf(anyAct());

const historyOf = (step: fc.Arbitrary<Step>, longest: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(step, { minLength: 1, maxLength: longest, size: 'max' });

/** Grants, voids and consumption, long enough that facts meet; they shrink to the few steps that matter. */
export const history = (longest = 60): fc.Arbitrary<readonly Step[]> =>
  historyOf(ofGrantsAndSpending, longest);

/** Every command there is, those that move no figure among them. */
export const fullHistory = (longest = 60): fc.Arbitrary<readonly Step[]> => historyOf(ofEverything, longest);
