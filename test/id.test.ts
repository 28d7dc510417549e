import { describe, expect, it } from 'vitest';
import { idOf, isId, uuidMaker, uuidOf, type IdPrefix, type UuidMaker } from '../src/id.ts';

/** A maker on a clock that shows these times and then stands still. */
function makerOn(...times: readonly number[]) {
  let calls = 0;
  return uuidMaker(
    () => times[Math.min(calls++, times.length - 1)]!,
    (bytes) => Buffer.alloc(bytes, 0xff),
  );
}

const NOW = Date.UTC(2026, 0, 1);
const made = (count: number, maker: UuidMaker): readonly string[] =>
  Array.from({ length: count }, () => idOf('grt', maker()));

describe('an id', () => {
  it('is a prefix and a UUIDv7', () => {
    const id = idOf('chg', makerOn(NOW)());

    expect(id).toMatch(/^chg_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(Number.parseInt(id.slice(4, 16), 16)).toBe(NOW);
  });

  it('sorts by the millisecond it was made in', () => {
    const ids = made(3, makerOn(NOW, NOW + 1, NOW + 1000));

    expect(ids.toSorted()).toEqual(ids);
  });

  it('sorts within a millisecond, and past as many as one can count', () => {
    const ids = made(10_000, makerOn(NOW));

    expect(new Set(ids).size).toBe(10_000);
    expect(ids.toSorted()).toEqual(ids);
  });

  it('never goes back with the clock', () => {
    const ids = made(3, makerOn(NOW, NOW - 1000, NOW - 1));

    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
  });

  it('differs between makers of the same millisecond', () => {
    const [one, other] = [uuidMaker(() => NOW), uuidMaker(() => NOW)];

    expect(one()).not.toBe(other());
  });

  it('goes to Postgres as a uuid and comes back as it was', () => {
    const id = idOf('ent', makerOn(NOW)());
    const hex = uuidOf(id);
    const printed = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

    expect(printed).toHaveLength(36);
    expect(idOf('ent', printed)).toBe(id);
  });
});

describe('what has the form of an id', () => {
  const hex = '0199a3c2000070008000000000000001';

  it.each<[IdPrefix, string, boolean]>([
    ['grt', `grt_${hex}`, true],
    ['chg', `grt_${hex}`, false],
    ['grt', hex, false],
    ['grt', `grt_${hex}0`, false],
    ['grt', `grt_${hex.slice(1)}`, false],
    ['grt', `grt_${hex.toUpperCase().replaceAll('0', 'A')}`, false],
    ['grt', `grt_${hex.slice(0, -1)}g`, false],
    ['grt', '', false],
  ])('of a %s: %s is %s', (prefix, text, expected) => {
    expect(isId(prefix, text)).toBe(expected);
  });
});
