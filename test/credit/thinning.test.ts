import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thinning } from '../../src/credit/thinning.ts';

/** A line of points with one figure each, thinned to at most `most`. */
function thinned(amounts: readonly bigint[], most: number) {
  const line = thinning<{ place: number; balances: { currency: string; settled: bigint }[] }>(most);
  for (const [place, settled] of amounts.entries())
    line.add({ place, balances: [{ currency: 'USD', settled }] });
  const { points, total } = line.thinned();
  return { places: points.map(({ place }) => place), total };
}

const line = fc.array(fc.bigInt({ min: -50n, max: 50n }), { minLength: 1, maxLength: 400, size: 'max' });
const first = (amounts: readonly bigint[], best: (a: bigint, b: bigint) => boolean): number =>
  amounts.reduce((found, amount, place) => (best(amount, amounts[found]!) ? place : found), 0);

describe('a line that is thinned', () => {
  test('is whole where it has not more points than asked for', () => {
    fc.assert(
      fc.property(line, fc.integer({ min: 400, max: 500 }), (amounts, most) => {
        expect(thinned(amounts, most)).toEqual({ places: [...amounts.keys()], total: amounts.length });
      }),
    );
  });

  test('keeps first, last, lowest and highest, has no more than asked for, and says how many there were', () => {
    fc.assert(
      fc.property(line, fc.integer({ min: 4, max: 60 }), (amounts, most) => {
        const { places, total } = thinned(amounts, most);
        expect(total).toBe(amounts.length);
        expect(places.length).toBeLessThanOrEqual(most);
        expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
        const survivors = [
          0,
          amounts.length - 1,
          first(amounts, (a, b) => a < b),
          first(amounts, (a, b) => a > b),
        ];
        expect(survivors.filter((place) => !places.includes(place))).toEqual([]);
      }),
    );
  });

  test('uses the room it has: at least half of it, and evenly', () => {
    const { places } = thinned(
      Array.from({ length: 10_000 }, (_, i) => BigInt(i)),
      100,
    );

    expect(places.length).toBeGreaterThanOrEqual(50);
    const gaps = places.slice(1).map((place, i) => place - places[i]!);
    expect(Math.max(...gaps)).toBeLessThan(4 * (10_000 / places.length));
  });

  test('keeps what must survive even where that alone is too much', () => {
    expect(thinned([5n, 1n, 3n, 9n, 4n], 1).places).toEqual([0, 1, 3, 4]);
  });
});
