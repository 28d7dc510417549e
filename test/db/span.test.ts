import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASSES, latestEnds, OPEN, spanClass } from '../../src/db/span.ts';
import { EARLIEST, LATEST, NEVER } from '../../src/instant.ts';

/** Finding the intervals that contain a point by one short range per class of length. */

const instant = fc.integer({ min: EARLIEST, max: LATEST });
const length = fc
  .tuple(fc.nat(13), fc.integer({ min: 1, max: 31 }))
  .map(([power, times]) => times * 10 ** power);
const interval = fc.tuple(instant, length).map(([from, long]) => ({ from, until: from + long }));

/** An input for which a property does not hold; null: there is none. */
const counterexampleTo = <T>(property: fc.IProperty<T>) =>
  fc.check(property, { numRuns: 2_000 }).counterexample;

/** Whether the range of the interval's class reaches it from a point. */
function found({ from, until }: { from: number; until: number }, point: number): boolean {
  const own = spanClass(from, until);
  if (own === null) return false;
  return until > point && until <= latestEnds(point)[own]! && from <= point;
}

describe('an interval', () => {
  test('is of the class c for which its length lies in [4ᶜ, 4ᶜ⁺¹)', () => {
    expect(
      counterexampleTo(
        fc.property(interval, ({ from, until }) => {
          const own = spanClass(from, until)!;
          const long = until - from;
          return CLASSES.includes(own) && 4 ** own <= long && long < 4 ** (own + 1);
        }),
      ),
    ).toBeNull();
  });

  test.each([
    [1, 0],
    [3, 0],
    [4, 1],
    [15, 1],
    [16, 2],
    [86_400_000, 13],
    [LATEST - EARLIEST, 24],
  ])('of length %i is of class %i', (long, expected) => {
    expect(spanClass(0, long)).toBe(expected);
    expect(spanClass(EARLIEST, EARLIEST + long)).toBe(expected);
  });

  test.each([0, -1, -1_000])('of length %i contains nothing and has no class', (long) => {
    expect(spanClass(0, long)).toBeNull();
  });

  test('without an end is of a class of its own', () => {
    expect(spanClass(0, NEVER)).toBe(OPEN);
    expect(CLASSES).not.toContain(OPEN);
  });

  test('is found from every point it contains, up to its edges', () => {
    const inside = fc.tuple(interval, fc.double({ min: 0, max: 1, noNaN: true }));
    expect(
      counterexampleTo(
        fc.property(inside, ([{ from, until }, part]) => {
          const points = [from, until - 1, Math.min(until - 1, from + Math.floor((until - from) * part))];
          return points.every((point) => found({ from, until }, point));
        }),
      ),
    ).toBeNull();
  });

  test('is not found from a point it does not contain', () => {
    expect(
      counterexampleTo(
        fc.property(interval, length, ({ from, until }, off) =>
          [from - 1, from - off, until, until + off].every((point) => !found({ from, until }, point)),
        ),
      ),
    ).toBeNull();
  });

  test('of versions is found alike', () => {
    const version = fc.integer({ min: 1, max: 10 ** 9 });
    expect(
      counterexampleTo(
        fc.property(version, fc.integer({ min: 1, max: 10 ** 9 }), (from, long) =>
          [from, from + long - 1].every((point) => found({ from, until: from + long }, point)),
        ),
      ),
    ).toBeNull();
  });
});

test('the ranges of a point reach no further than four lengths of their class', () => {
  for (const c of CLASSES) {
    expect(latestEnds(1_000)[c]! - 1_000).toBe(4 * 4 ** c);
  }
});
