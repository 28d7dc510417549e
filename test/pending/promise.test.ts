import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import { NEVER } from '../../src/instant.ts';
import { pendingAt, sumPromised, type CreditPromise } from '../../src/pending/promise.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { credits, day } from '../support/builders.ts';

const aPromise = (given: Partial<CreditPromise> = {}): CreditPromise => ({
  grantId: 'g1',
  currency: 'USD',
  featureKeys: [],
  amount: credits('100'),
  from: day(2),
  until: day(5),
  effectiveAt: day(5),
  expiresAt: NEVER,
  ...given,
});

describe('a promise', () => {
  it.each([
    ['before it was recorded', day(2) - 1, false],
    ['from its recording on', day(2), true],
    ['until just before it ends', day(5) - 1, true],
    ['when it ends', day(5), false],
  ])('%s: pending %s', (_when, at, pending) => {
    expect(pendingAt(aPromise(), at)).toBe(pending);
  });

  it('without an end stays pending', () => {
    expect(pendingAt(aPromise({ until: NEVER }), day(9999))).toBe(true);
  });
});

describe('pending', () => {
  const promised = [
    aPromise({ amount: credits('1') }),
    aPromise({ amount: credits('20'), featureKeys: ['a'] }),
    aPromise({ amount: credits('300'), featureKeys: ['a', 'b'] }),
    aPromise({ amount: credits('4000'), currency: 'EUR' }),
  ];

  it.each<[scope: Scope, sum: string]>([
    [ALL, '321'],
    [{ kind: 'unrestricted' }, '1'],
    [{ kind: 'feature', featureKey: 'a' }, '321'],
    [{ kind: 'feature', featureKey: 'b' }, '301'],
    [{ kind: 'feature', featureKey: 'c' }, '1'],
  ])('in scope %o is %s', (scope, sum) => {
    expect(formatAmount(sumPromised(promised, 'USD', scope))).toBe(sum);
  });

  it('is nothing where nothing is promised', () => {
    expect(sumPromised([], 'USD', ALL)).toBe(0n);
    expect(sumPromised(promised, 'GBP', ALL)).toBe(0n);
  });
});
