import { afterAll, describe, expect, test } from 'vitest';
import type { BalancePart } from '../../src/credit/figures.ts';
import { getBalanceTimeline } from '../../src/query/get-balance-timeline.ts';
import { connect } from '../../src/db/database.ts';
import type { Instant } from '../../src/instant.ts';
import type { Scope } from '../../src/scope.ts';
import { balancesOf, SCOPES } from '../support/figures.ts';
import { CURRENCIES, GRID } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { grantRequest } from '../support/requests.ts';
import { longHistories, playThrough } from '../support/played.ts';
import type { Json } from '../support/service.ts';
import { balancesAt, causesOf, timelineOf, when, type Window } from '../support/timelines.ts';
import { testWorld } from '../support/world.ts';

/** A timeline is GetBalance at every instant of its window, past and future, in any scope, as known at any instant. */

const { caller, time, databaseUrl } = await testWorld();
const SEED = 20_260_121;
const histories = longHistories(3, SEED).map((steps, i) => [i, steps] as const);

/** Every point is a step and has causes; at it, right before it and in between it is GetBalance. */
async function check(customerId: string, window: Window, scope: Scope): Promise<readonly Json[]> {
  const timeline = await timelineOf(caller, customerId, window, scope);
  const points: Json[] = timeline['points'];
  expect(timeline).not.toHaveProperty('thinned');
  expect(timeline['totalPoints']).toBe(String(points.length));
  expect(when(points[0]!)).toBe(window.from);
  for (const [i, point] of points.entries()) {
    if (i === 0) continue;
    expect(when(point)).toBeGreaterThan(when(points[i - 1]!));
    expect(point['balances']).not.toEqual(points[i - 1]!['balances']);
    expect(causesOf(point)).not.toEqual([]);
  }
  expect(when(points.at(-1)!)).toBeLessThan(window.to);

  // Everything happens on the grid; a third of it, another one each time.
  const thirds = Math.ceil((window.to - window.from) / (3 * GRID));
  const grid = Array.from({ length: thirds }, (_, i) => window.from + (3 * i + (points.length % 3)) * GRID);
  const probes = new Set([...grid, ...points.flatMap((point) => [when(point), when(point) - 1]).slice(2)]);
  await Promise.all(
    [...probes]
      .filter((asOf) => asOf < window.to)
      .map(async (asOf) => {
        const { knownAt } = window;
        const [balances] = await balancesOf(
          caller,
          customerId,
          { asOf, ...(knownAt !== undefined && { knownAt }) },
          [scope],
        );
        expect([asOf, balancesAt(timeline, asOf)]).toEqual([asOf, balances]);
      }),
  );
  return points;
}

describe('every point is what GetBalance answers there, and between points nothing changes', () => {
  test.each(histories)('after random history %i', async (i, steps) => {
    const customerId = neighbour('charted', i);
    const start = time.now;
    const recorded: Instant[] = [];
    await playThrough(caller, time, steps, customerId, ({ now }) => void recorded.push(now));
    const to = time.now + 24 * GRID;
    time.now += 3 * GRID;

    const middle = recorded[Math.floor(recorded.length / 2)]!;
    const scope = SCOPES[1 + (i % 3)]!;
    const points = await check(customerId, { from: start - 16 * GRID, to }, SCOPES[0]!);
    expect(points.length).toBeGreaterThan(5);
    await check(customerId, { from: middle, to: time.now }, scope);
    await check(customerId, { from: middle - 7 * GRID, to: middle + 12 * GRID, knownAt: middle }, scope);
    await check(customerId, { from: time.now + GRID, to }, SCOPES[0]!);
  });
});

describe('so it is as known at any instant', () => {
  test.each(histories)('after random history %i', async (i, steps) => {
    const customerId = neighbour('known', i);
    const recorded: Instant[] = [];
    await playThrough(caller, time, steps, customerId, ({ now }) => void recorded.push(now));
    for (let part = 2; part < recorded.length; part += 6) {
      const knownAt = recorded[part]!;
      const from = recorded[Math.floor(part / 3)]! - 2 * GRID;
      const window = { from, to: knownAt + 6 * GRID, knownAt };
      expect((await check(customerId, window, SCOPES[part % 3]!)).length).toBeGreaterThan(0);
    }
  });
});

const other = (customerId: string) =>
  caller.answer('CreateGrant', grantRequest({ customerId, currency: 'GBP', amount: '1' }));

describe('what is foreseen is what is read later', () => {
  test.each(histories)('after random history %i', async (i, steps) => {
    const customerId = neighbour('foreseen', i);
    await playThrough(caller, time, steps, customerId);
    time.now += GRID;
    const window = { from: time.now, to: time.now + 24 * GRID };
    const pointsOf = async () => (await timelineOf(caller, customerId, window, SCOPES[i]!))['points'];
    const foreseen = await pointsOf();

    time.now += 12 * GRID;
    expect(await pointsOf()).toEqual(foreseen);
    time.now += 15 * GRID;
    expect(await pointsOf()).toEqual(foreseen);
    // A write books what has fallen due.
    await other(customerId);
    expect(await pointsOf()).toEqual(foreseen);
  });
});

describe('a window read in small pieces', () => {
  const database = connect({ url: databaseUrl, poolSize: 2 });
  afterAll(() => database.close());
  const parts = new Set<BalancePart>(['settled', 'live', 'pending']);

  test.each(histories)('is the window read at once, after random history %i', async (i, steps) => {
    const customerId = neighbour('piecemeal', i);
    const start = time.now;
    await playThrough(caller, time, steps, customerId);
    const inPieces = async (pieceSize: number, signal = new AbortController().signal) => {
      const { points } = await getBalanceTimeline(
        { database, clock: time.clock },
        {
          key: { namespace: 'default', customerId },
          minVersion: 0,
          knownAt: null,
          pieceSize,
          currencies: CURRENCIES,
          scope: SCOPES[i]!,
          parts,
          most: 10_000,
          from: start - 16 * GRID,
          until: time.now + 24 * GRID,
          signal,
        },
      );
      return points;
    };
    const whole = await inPieces(5_000);

    expect(whole.length).toBeGreaterThan(5);
    for (const size of [1, 2, 7]) expect(await inPieces(size)).toEqual(whole);
    await expect(inPieces(1, AbortSignal.abort(new Error('nobody waits')))).rejects.toThrow('nobody waits');
  });
});
