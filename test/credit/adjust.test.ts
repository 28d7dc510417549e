import { describe, expect, it } from 'vitest';
import { decide } from '../../src/credit/decide.ts';
import { NEVER } from '../../src/instant.ts';
import {
  aBook,
  aConsumption,
  aGrant,
  anAdjustmentDown,
  anAdjustmentUp,
  aVoid,
  day,
} from '../support/builders.ts';
import { became, bookings, legsOf, refusalOf, settledUsd, slices } from './readable.ts';

describe('an adjustment up', () => {
  it('is a grant of its own: promotional, of default priority, never expiring', () => {
    const { answer, postings } = decide(aBook(), anAdjustmentUp({ featureKeys: ['a'] }), day(3));

    expect(answer.grant).toMatchObject({
      effectiveAt: day(3),
      expiresAt: NEVER,
      bookedAt: day(3),
      priority: 10,
      featureKeys: ['a'],
      funding: { method: 'NONE', costBasis: 0n },
      phase: 'CREDIT',
      formerTimes: [],
      moves: [],
    });
    expect(bookings(postings)).toEqual(['2026-01-03 ADJUST']);
  });

  it('covers advances like any other grant', () => {
    const book = aBook([day(2), aConsumption({ amount: '4', mode: 'CREDIT_ONLY' })]);

    const { state } = decide(book, anAdjustmentUp({ amount: '10' }), day(3));

    expect(became(state, 'a1')).toEqual({ consumed: '4', remaining: '6' });
    expect(settledUsd(state)).toBe('6');
  });

  it('may be voided like any other grant', () => {
    const book = aBook([day(3), anAdjustmentUp({ amount: '10' })]);

    expect(became(decide(book, aVoid('a1'), day(4)).state, 'a1')).toEqual({ voided: '10' });
  });
});

describe('an adjustment down', () => {
  const book = () =>
    aBook(
      [day(1), aGrant({ grantId: 'last', amount: '10' })],
      [day(1), aGrant({ grantId: 'first', amount: '10', priority: 1 })],
      [day(1), aGrant({ grantId: 'a', amount: '10', featureKeys: ['a'] })],
    );

  it('takes eligible credit in burn order; in a grant’s identity it counts as consumed', () => {
    const { answer, state, postings } = decide(book(), anAdjustmentDown({ amount: '15' }), day(3));

    expect(slices(answer.allocations)).toEqual(['first 10', 'last 5']);
    expect(became(state, 'last')).toEqual({ consumed: '5', remaining: '5' });
    expect(postings.flatMap(legsOf)).toEqual([
      'CUSTOMER_FBO -10',
      'BROKERAGE +10',
      'CUSTOMER_FBO -5',
      'BROKERAGE +5',
    ]);
  });

  it('reaches restricted credit only for its feature', () => {
    const { allocations } = decide(
      book(),
      anAdjustmentDown({ amount: '30', featureKey: 'a' }),
      day(3),
    ).answer;

    expect(slices(allocations)).toEqual(['first 10', 'a 10', 'last 10']);
  });

  it('is refused as a whole if there is less', () => {
    expect(refusalOf(() => decide(book(), anAdjustmentDown({ amount: '21' }), day(3)))).toMatchObject({
      reason: 'INSUFFICIENT_CREDIT',
      metadata: { requested: '21', eligible: '20', currency: 'USD', feature_key: '' },
    });
  });
});
