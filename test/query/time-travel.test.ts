import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instant } from '../../src/instant.ts';
import { balancesOf, grantOf, SCOPES, standingsOf, type Asked } from '../support/figures.ts';
import { GRID } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { testWorld } from '../support/world.ts';

/** Laws 4 and 8 through the whole service. */

const { caller, time } = await testWorld();
const SEED = 20_260_103;
const histories = longHistories(3, SEED).map((steps, i) => [i, steps] as const);

/** Everything a customer can be told about at a moment, but the moment itself. */
async function toldOf(customerId: string, asked: Asked = {}): Promise<unknown> {
  const standings = await standingsOf(caller, customerId, asked);
  const [grantId] = standings.keys();
  const grant = grantId === undefined ? null : await grantOf(caller, customerId, grantId, asked);
  return { balances: await balancesOf(caller, customerId, asked, SCOPES.slice(0, 3)), standings, grant };
}

describe('what is asked in advance is what waiting brings (law 4)', () => {
  test.each(histories)('after random history %i', async (i, steps) => {
    const customerId = neighbour('foreseen', i);
    await playThrough(caller, time, steps, customerId);
    const now = time.now + 5 * GRID;
    time.now = now;
    // On the grid things happen; a millisecond before it they have not yet.
    const instants = fc
      .sample(fc.tuple(fc.integer({ min: 1, max: 24 }), fc.constantFrom(-1, 0)), {
        numRuns: 8,
        seed: SEED + i,
      })
      .map(([steps_, off]) => now + steps_ * GRID + off)
      .toSorted((a, b) => a - b);
    const foreseen: unknown[] = [];
    for (const asOf of instants) foreseen.push(await toldOf(customerId, { asOf }));

    for (const [index, instant] of instants.entries()) {
      time.now = instant;
      expect(await toldOf(customerId)).toEqual(foreseen[index]);
    }
  });
});

describe('an answer of a known past never changes (law 8)', () => {
  test.each(histories)('during random history %i', async (i, steps) => {
    const customerId = neighbour('remembered', i);
    const answers: { readonly asked: Asked; readonly told: unknown }[] = [];
    let last: Instant = -Infinity;
    let looks = 0;
    await playThrough(caller, time, steps, customerId, async ({ result, step: { question } }) => {
      if (result.ok) last = Date.parse(result.answer['recordedAt']);
      // Before the last recorded_at only: a later write may still be of that very instant.
      const knownAt = last - 1 - Math.abs(question.knownAt) * GRID * 0.5;
      looks += 1;
      if (!Number.isFinite(knownAt) || looks % 3 > 0) return;
      const asked = { asOf: knownAt + question.asOf * GRID, knownAt };
      answers.push({ asked, told: await toldOf(customerId, asked) });
    });
    time.now += 100 * GRID;

    expect(answers.length).toBeGreaterThan(steps.length / 6);
    for (const { asked, told } of answers) expect(await toldOf(customerId, asked)).toEqual(told);
  });
});
