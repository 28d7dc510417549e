import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { balanceOf } from '../../src/credit/balance.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { aBook, aConsumption, aGrant, day } from '../support/builders.ts';

const feature = (featureKey: string): Scope => ({ kind: 'feature', featureKey });
const UNRESTRICTED: Scope = { kind: 'unrestricted' };

function figures(state: BookState, scope: Scope, currency = 'USD'): string {
  const { settled, live, pending } = balanceOf(state, currency, scope);
  return [settled, live, pending].map(formatAmount).join(' ');
}

describe('a balance: settled, live, pending', () => {
  const book = () =>
    aBook(
      [day(1), aGrant({ grantId: 'open', amount: '100' })],
      [day(1), aGrant({ grantId: 'a', amount: '20', featureKeys: ['a'] })],
      [day(1), aGrant({ grantId: 'ab', amount: '3', featureKeys: ['a', 'b'] })],
      [day(1), aGrant({ grantId: 'soon', amount: '1000', effectiveAt: day(5) })],
      [day(1), aGrant({ grantId: 'soon-a', amount: '500', featureKeys: ['a'], effectiveAt: day(6) })],
      [day(1), aGrant({ grantId: 'euro', amount: '7', currency: 'EUR' })],
    );

  it.each([
    ['everything', ALL, '123 123 1500'],
    ['credit without feature keys', UNRESTRICTED, '100 100 1000'],
    ['what feature a may use', feature('a'), '123 123 1500'],
    ['what feature b may use', feature('b'), '103 103 1000'],
    ['what a feature no grant names may use', feature('z'), '100 100 1000'],
  ])('counts %s', (_what, scope, expected) => {
    expect(figures(book(), scope)).toBe(expected);
  });

  it('keeps currencies apart', () => {
    expect(figures(book(), ALL, 'EUR')).toBe('7 7 0');
    expect(figures(book(), ALL, 'GBP')).toBe('0 0 0');
  });

  it('keeps the advances of currencies apart', () => {
    const owed = aBook(
      [day(1), aConsumption({ amount: '5', mode: 'CREDIT_ONLY' })],
      [day(1), aConsumption({ chargeId: 'c2', amount: '3', mode: 'CREDIT_ONLY', currency: 'EUR' })],
    );

    expect([figures(owed, ALL), figures(owed, ALL, 'EUR')]).toEqual(['-5 -5 0', '-3 -3 0']);
  });

  it('moves a promise from pending to settled at its instant', () => {
    expect(figures(advanceTo(book(), day(5) - 1).state, ALL)).toBe('123 123 1500');
    expect(figures(advanceTo(book(), day(5)).state, ALL)).toBe('1123 1123 500');
  });

  it.each([
    ['of a feature', 'a', { all: '-5 -5 0', unrestricted: '0 0 0', a: '-5 -5 0', b: '0 0 0' }],
    ['of none', null, { all: '-5 -5 0', unrestricted: '-5 -5 0', a: '-5 -5 0', b: '-5 -5 0' }],
  ])('counts an advance %s where credit restricted to it would count', (_what, featureKey, expected) => {
    const owed = aBook([day(1), aConsumption({ amount: '5', mode: 'CREDIT_ONLY', featureKey })]);

    expect({
      all: figures(owed, ALL),
      unrestricted: figures(owed, UNRESTRICTED),
      a: figures(owed, feature('a')),
      b: figures(owed, feature('b')),
    }).toEqual(expected);
  });

  it('shows one and the same covering differently in scopes that count only one side of it', () => {
    const owed = aBook(
      [day(1), aConsumption({ amount: '5', mode: 'CREDIT_ONLY', featureKey: 'a' })],
      [day(2), aGrant({ amount: '20' })],
    );

    expect(figures(owed, ALL)).toBe('15 15 0');
    expect(figures(owed, UNRESTRICTED)).toBe('15 15 0');
    expect(figures(owed, feature('b'))).toBe('15 15 0');
  });
});
