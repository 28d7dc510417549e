import { describe, expect, it } from 'vitest';
import { ALL, inScope, keysOf, mayPay, type Scope } from '../src/scope.ts';

const feature = (featureKey: string): Scope => ({ kind: 'feature', featureKey });

describe('what a question counts', () => {
  it.each<[scope: string, Scope, counted: readonly boolean[]]>([
    ['nothing asked', ALL, [true, true, true]],
    ['unrestricted', { kind: 'unrestricted' }, [true, false, false]],
    ['feature a', feature('a'), [true, true, true]],
    ['feature b', feature('b'), [true, false, true]],
    ['feature c', feature('c'), [true, false, false]],
  ])('%s: of nothing in particular, of a, of a and b: %j', (_asked, scope, counted) => {
    expect([[], ['a'], ['a', 'b']].map((keys) => inScope(scope, keys))).toEqual(counted);
  });
});

describe('what credit may pay', () => {
  it.each<[featureKeys: readonly string[], featureKey: string | null, may: boolean]>([
    [[], null, true],
    [[], 'a', true],
    [['a'], 'a', true],
    [['b', 'a'], 'a', true],
    [['b'], 'a', false],
    [['a'], null, false],
  ])('credit for %j a charge for %s: %s', (featureKeys, featureKey, may) => {
    expect(mayPay(featureKeys, featureKey)).toBe(may);
  });
});

it('a charge counts under its one key, or none', () => {
  expect([keysOf('a'), keysOf(null)]).toEqual([['a'], []]);
});
