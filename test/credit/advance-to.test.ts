import { describe, expect, it } from 'vitest';
import { advanceTo, nextEvent } from '../../src/credit/advance-to.ts';
import { NEVER } from '../../src/instant.ts';
import { decide } from '../../src/credit/decide.ts';
import {
  aBook,
  aCancellation,
  aCharge,
  aConsumption,
  aGrant,
  aVoid,
  day,
  external,
  invoice,
  until,
  type Write,
} from '../support/builders.ts';
import { became, bookings, legsOf, settledUsd } from './readable.ts';

const debt = aConsumption({ chargeId: 'c1', amount: '10', mode: 'CREDIT_ONLY' });

describe('moving a book forward', () => {
  const book = () => aBook([day(1), aGrant({ effectiveAt: day(5), expiry: until(day(9)) })]);

  it('books nothing before a scheduled grant is effective', () => {
    const { state, postings } = advanceTo(book(), day(5) - 1);

    expect(postings).toEqual([]);
    expect(settledUsd(state)).toBe('0');
  });

  it('books an activation at its own instant, whenever it is found', () => {
    const { state, postings } = advanceTo(book(), day(7));

    expect(bookings(postings)).toEqual(['2026-01-05 ISSUE']);
    expect(became(state, 'g1')).toEqual({ remaining: '100' });
  });

  it('counts a grant from its effective instant until just before its expiry', () => {
    expect(settledUsd(advanceTo(book(), day(5)).state)).toBe('100');
    expect(settledUsd(advanceTo(book(), day(9) - 1).state)).toBe('100');
    expect(settledUsd(advanceTo(book(), day(9)).state)).toBe('0');
  });

  it('takes no version and leaves the state it was given', () => {
    const given = book();
    const { state } = advanceTo(given, day(20));

    expect(state.version).toBe(given.version);
    expect(given).toEqual(book());
  });

  it('issues paid credit as owed, and promotional credit as a gift', () => {
    const paid = aBook([day(1), aGrant({ effectiveAt: day(5), paid: external('ON_CREATION') })]);

    expect(legsOf(advanceTo(paid, day(5)).postings[0]!)).toEqual([
      'CUSTOMER_FBO +100',
      'CUSTOMER_RECEIVABLE OPEN -100',
    ]);
    expect(legsOf(advanceTo(book(), day(5)).postings[0]!)).toEqual([
      'CUSTOMER_FBO +100',
      'CUSTOMER_RECEIVABLE OPEN -100',
      'CUSTOMER_RECEIVABLE OPEN +100',
      'BROKERAGE -100',
    ]);
  });

  it('never moves back', () => {
    expect(advanceTo(book(), day(1) - 1).state).toEqual(book());
  });

  it('expires what remains, and books no expiry of nothing', () => {
    const grant: Write = [day(1), aGrant({ expiry: until(day(9)) })];
    const part = aBook(grant, [day(2), aConsumption({ amount: '30' })]);
    const all = aBook(grant, [day(2), aConsumption({ amount: '100' })]);

    expect(became(advanceTo(part, day(9)).state, 'g1')).toEqual({ consumed: '30', expired: '70' });
    expect(advanceTo(all, day(9)).postings).toEqual([]);
  });

  it('books no expiry of what a covering has used up on the way', () => {
    const grant = aGrant({ amount: '10', effectiveAt: day(5), expiry: until(day(9)) });

    expect(bookings(advanceTo(aBook([day(1), grant], [day(2), debt]), day(9)).postings)).toEqual([
      '2026-01-05 ISSUE',
      '2026-01-05 COVER',
    ]);
  });

  it('lets a grant that still waits for its funding lapse as a whole, without an entry', () => {
    const waiting = aBook([day(1), aGrant({ paid: invoice('ON_CREATION'), expiry: until(day(9)) })]);

    const { state, postings } = advanceTo(waiting, day(9));

    expect(postings).toEqual([]);
    expect(became(state, 'g1')).toEqual({ expired: '100' });
  });
});

describe('several events', () => {
  it('are booked in order of time, at one instant expiries before activations, those in burn order', () => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'late', effectiveAt: day(5), priority: 2 })],
      [day(1), aGrant({ grantId: 'soon', effectiveAt: day(5), priority: 1 })],
      [day(1), aGrant({ grantId: 'gone', expiry: until(day(5)) })],
      [day(1), aGrant({ grantId: 'first', effectiveAt: day(3) })],
    );

    const { postings } = advanceTo(book, day(5));

    expect(postings.map(({ kind, legs }) => `${kind} ${legs[0]!.grantId}`)).toEqual([
      'ISSUE first',
      'EXPIRE gone',
      'ISSUE soon',
      'ISSUE late',
    ]);
  });

  it('let grants of one instant cover advances in burn order', () => {
    const book = aBook(
      [day(1), debt],
      [day(1), aGrant({ grantId: 'last', amount: '8', effectiveAt: day(5), priority: 20 })],
      [day(1), aGrant({ grantId: 'first', amount: '8', effectiveAt: day(5), priority: 1 })],
    );

    const { state } = advanceTo(book, day(5));

    expect(became(state, 'first')).toEqual({ consumed: '8' });
    expect(became(state, 'last')).toEqual({ consumed: '2', remaining: '6' });
  });

  it('cover an advance at the scheduled grant’s own instant, not earlier', () => {
    const book = aBook([day(1), debt], [day(1), aGrant({ amount: '25', effectiveAt: day(5) })]);

    expect(settledUsd(advanceTo(book, day(5) - 1).state)).toBe('-10');
    expect(settledUsd(advanceTo(book, day(5)).state)).toBe('15');
    expect(bookings(advanceTo(book, day(8)).postings)).toEqual(['2026-01-05 ISSUE', '2026-01-05 COVER']);
  });
});

describe('the next instant a book changes by itself', () => {
  it.each([
    ['the booking of a scheduled grant', day(5), aGrant({ effectiveAt: day(5), expiry: until(day(9)) })],
    ['the expiry of a grant that is credit', day(9), aGrant({ expiry: until(day(9)) })],
    [
      'the expiry of a grant that waits',
      day(9),
      aGrant({ paid: invoice('ON_CREATION'), expiry: until(day(9)) }),
    ],
    ['never for credit that lasts', NEVER, aGrant()],
  ])('is %s', (_what, expected, grant) => {
    expect(nextEvent(aBook([day(1), grant]))).toBe(expected);
  });

  it('is never once a grant is used up or voided', () => {
    const grant = aGrant({ amount: '10', expiry: until(day(9)) });

    expect(nextEvent(aBook([day(1), grant], [day(2), aConsumption({ amount: '10' })]))).toBe(NEVER);
    expect(nextEvent(aBook([day(1), grant], [day(2), aVoid('g1')]))).toBe(NEVER);
  });

  it('is the earliest of all grants, and moves on', () => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'g1', expiry: until(day(9)) })],
      [day(1), aGrant({ grantId: 'g2', amount: '5', effectiveAt: day(4) })],
    );

    expect(nextEvent(book)).toBe(day(4));
    expect(nextEvent(advanceTo(book, day(4)).state)).toBe(day(9));
  });

  it.each([
    ['begins to weigh on live', { startsAt: day(4) }, day(4)],
    ['ceases to, its hold expiring', { holdExpiresAt: day(6) }, day(6)],
    ['first begins to, then ceases', { startsAt: day(4), holdExpiresAt: day(6) }, day(4)],
    ['has begun to for good', {}, NEVER],
    ['never will, its hold ending at its start', { startsAt: day(4), holdExpiresAt: day(4) }, NEVER],
    ['never will, its hold ending before its start', { startsAt: day(6), holdExpiresAt: day(4) }, NEVER],
  ])('is also when a charge %s', (_how, times, expected) => {
    expect(nextEvent(aBook([day(2), aCharge(times)]))).toBe(expected);
  });

  it('passes on from the start of a charge to the end of its hold, and ends when it is closed', () => {
    const book = aBook([day(2), aCharge({ startsAt: day(4), holdExpiresAt: day(6) })]);

    expect(nextEvent(advanceTo(book, day(4)).state)).toBe(day(6));
    expect(nextEvent(advanceTo(book, day(6)).state)).toBe(NEVER);
    expect(nextEvent(decide(book, aCancellation('c1'), day(3)).state)).toBe(NEVER);
  });
});
