import { describe, expect, it } from 'vitest';
import { fullHistory } from '../support/histories.ts';
import { breaking } from './breaking.ts';
import { play } from './play.ts';
import { tallyOfEverything } from './tally.ts';

/**
 * Laws 2 and 3 over random histories of every command: each answer, each refusal and each figure, past, now and future,
 * is that of a model which keeps bare facts and scans them.
 */

const LEAST = 200_000;
const tally = tallyOfEverything();

describe(`over at least ${LEAST.toLocaleString('en')} operations of every command`, () => {
  // In parts, so that none takes long and a run shows how far it is.
  it.each([1, 2, 3, 4, 5])('every answer and every figure is the reference model’s: seed %i', (seed) => {
    expect(breaking(fullHistory(), 1_500, (steps) => void play(steps, tally), seed)).toBeNull();
  });

  it('that many there were', () => {
    expect(tally.operations).toBeGreaterThanOrEqual(LEAST);
  });

  it.each([...tally.counts.keys()])('has met: %s', (name) => {
    expect(tally.counts.get(name)).toBeGreaterThanOrEqual(20);
  });
});
