import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instant } from '../../../src/instant.ts';
import type { Scope } from '../../../src/scope.ts';
import { balancesOf, SCOPES, type Asked } from '../../support/figures.ts';
import { neighbour } from '../../support/neighbours.ts';
import { GRID } from '../../support/transactions-acts.ts';
import { histories, live } from '../../support/transactions-history.ts';
import { asking, transactionsOf } from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/**
 * Law 8 over random histories of every RPC that writes: what was said of settled, live, pending and rows at a point of
 * both axes is said of it for ever, also of what was now at the time.
 */

const world = await testWorld();
const { caller, time } = world;
const transactions = transactionsOf(world);
const SEED = 20_261_125;
const LIVES = histories(3, 50, SEED);

type Said = { readonly asked: Asked; readonly scopes: readonly Scope[]; readonly answers: unknown };

describe.each(LIVES.map((steps, i) => [i, steps] as const))('during random history %i', (i, steps) => {
  const customerId = neighbour('customer', i);
  /** Balances in some scopes, and rows in the last of them. */
  const answersTo = async (asked: Asked, scopes: readonly Scope[]) => ({
    balances: await balancesOf(caller, customerId, asked, scopes),
    rows: await transactions.rows(asking(customerId, scopes.at(-1)!, asked)),
  });

  test('what is said of now, and of any known past, is said of it later', async () => {
    const said: Said[] = [];
    const instants: Instant[] = [];
    const points = fc.sample(
      fc.record({ ahead: fc.integer({ min: -10, max: 12 }), back: fc.nat(6), scope: fc.nat(4) }),
      { numRuns: steps.length, seed: SEED + i },
    );
    // What an instant is told of must not be added to later: it is looked at once the clock is about to move on.
    await live(caller, time, steps, customerId, async () => {
      instants.push(time.now);
      const { ahead, back, scope } = points[instants.length - 1]!;
      const scopes = [...SCOPES, ...SCOPES].slice(scope, scope + 3);
      const now = { asOf: time.now, knownAt: time.now };
      said.push({ asked: now, scopes, answers: await answersTo({}, scopes) });
      const asked = { asOf: time.now + ahead * GRID, knownAt: instants.at(-1 - back) ?? time.now };
      said.push({ asked, scopes: [SCOPES[scope]!], answers: await answersTo(asked, [SCOPES[scope]!]) });
    });
    time.now += 30 * GRID;

    expect(said.length).toBeGreaterThan(steps.length / 2);
    for (const { asked, scopes, answers } of said) {
      expect(await answersTo(asked, scopes), JSON.stringify(asked)).toEqual(answers);
    }
  });
});
