import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PersistentMap } from '../src/persistent-map.ts';

/** It is a map in order of key, and nothing done to it changes the one it was done to. */

type Edit = { readonly key: string; readonly value: number | null };

const edits = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: 40 }).map((n) => `key-${n}`),
    value: fc.option(fc.integer({ min: 0, max: 3 })),
  }),
  { maxLength: 120 },
);

const applied = (map: PersistentMap<number>, { key, value }: Edit) =>
  value === null ? map.without(key) : map.with(key, value);

const plain = (done: readonly Edit[]) => {
  const map = new Map<string, number>();
  for (const { key, value } of done)
    if (value === null) map.delete(key);
    else map.set(key, value);
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
};

describe('a persistent map', () => {
  it('holds what a plain map would, in order of key', () => {
    fc.assert(
      fc.property(edits, (done) => {
        const map = done.reduce(applied, PersistentMap.of<number>());
        const expected = plain(done);
        expect([...map]).toEqual(expected);
        expect([...map.keys()]).toEqual(expected.map(([key]) => key));
        expect([...map.values()]).toEqual(expected.map(([, value]) => value));
        expect(map.size).toBe(expected.length);
        for (const { key } of done) {
          expect(map.get(key)).toBe(new Map(expected).get(key));
          expect(map.has(key)).toBe(new Map(expected).has(key));
        }
      }),
    );
  });

  it('is the same whatever its history, also where it is built at once', () => {
    fc.assert(
      fc.property(edits, (done) => {
        expect(done.reduce(applied, PersistentMap.of<number>())).toEqual(PersistentMap.of(plain(done)));
      }),
    );
  });

  it('leaves the map it was made of as it was', () => {
    fc.assert(
      fc.property(edits, (done) => {
        const maps = [PersistentMap.of<number>()];
        for (const edit of done) maps.push(applied(maps.at(-1)!, edit));
        for (const [i, map] of maps.entries()) expect([...map]).toEqual(plain(done.slice(0, i)));
      }),
    );
  });

  it('tells what it holds that another does not', () => {
    fc.assert(
      fc.property(edits, edits, (first, second) => {
        const before = first.reduce(applied, PersistentMap.of<number>());
        const after = second.reduce(applied, before);
        const expected = plain([...first, ...second]).filter(([key, value]) => before.get(key) !== value);
        // A value that went and came back is in another entry, and may be told.
        const told = [...after.changedSince(before)].filter(([key, value]) => before.get(key) !== value);
        expect(told).toEqual(expected);
      }),
    );
  });

  it('shares all but what differs', () => {
    const entries = Array.from({ length: 10_000 }, (_, n) => [`key-${n}`, {}] as const);
    const before = PersistentMap.of<object>(entries);
    const after = before.with('key-7', {}).with('key-new', {}).without('key-8');

    expect([...after.changedSince(before)].map(([key]) => key)).toEqual(['key-7', 'key-new']);
    expect(before.with('key-7', before.get('key-7')!)).toBe(before);
    expect(before.without('nobody')).toBe(before);
  });
});
