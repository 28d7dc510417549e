import { describe, expect, it } from 'vitest';
import { grantOf, open, type BookState } from '../../src/credit/book-state.ts';
import { coverLate } from '../../src/credit/cover.ts';
import { PersistentMap } from '../../src/persistent-map.ts';
import { decide } from '../../src/credit/decide.ts';
import { takeFrom } from '../../src/credit/take.ts';
import { aBook, aConsumption, aCorrection, aGrant, credits, day, until } from '../support/builders.ts';
import { settledUsd } from './readable.ts';

/** What the loader owes the rules. Where it fails to, they stop: a wrong number is never the answer. */

const book = (): BookState =>
  aBook([day(1), aGrant({ amount: '10', expiry: until(day(9)) })], [day(2), aConsumption({ amount: '4' })]);

describe('a state that cannot be is no basis for a decision', () => {
  it('not the whole history since a late booking', () => {
    const known = { ...book(), historyFrom: day(3) };
    const late = (bookedAt: number) => () =>
      decide(known, aConsumption({ chargeId: 'c2', bookedAt, amount: '1' }), day(5));

    expect(late(day(3) - 1)).toThrow('invariant: the history needed to book this late is not loaded');
    expect(settledUsd(late(day(3))().state)).toBe('5');
  });

  it('a grant that is named and not loaded', () => {
    expect(() => grantOf(open(book()), 'g2')).toThrow('invariant: grant g2 is not loaded');
  });

  it('an advance that is named and not loaded', () => {
    expect(() => coverLate(open(book()), 'c1#1')).toThrow('invariant: advance c1#1 is not loaded');
  });

  it('the splits of a charge less than it has collected', () => {
    const known: BookState = { ...book(), allocations: PersistentMap.of() };

    expect(() => decide(known, aCorrection('c1', '1'), day(5))).toThrow(
      'invariant: c1 collected more than its allocations and advances say',
    );
  });

  it.each([
    ['while it is credit', book(), '6.01'],
    [
      'once it has expired',
      aBook([day(1), aGrant({ amount: '6', expiry: until(day(3)) })], [day(4), aGrant({ grantId: 'g2' })]),
      '6.01',
    ],
  ])('more taken from a grant than it holds, %s', (_when, state, amount) => {
    expect(() => takeFrom(open(state), 'g1', credits(amount), day(2))).toThrow('invariant: g1 is overdrawn');
    expect(() => takeFrom(open(state), 'g1', credits('6'), day(2))).not.toThrow();
  });
});
