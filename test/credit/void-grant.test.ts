import { describe, expect, it } from 'vitest';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import { grantStatus, promiseOf } from '../../src/credit/grant.ts';
import {
  aBook,
  aConsumption,
  aCorrection,
  aGrant,
  aPayment,
  aVoid,
  day,
  external,
  invoice,
  promotional,
  until,
} from '../support/builders.ts';
import { became, bookings, legsOf, refusalOf, settledUsd } from './readable.ts';

const voidAt = (book: BookState, now = day(10), adjustment: 'NONE' | 'RELEASE_UNPAID' = 'NONE') =>
  decide(book, aVoid('g1', adjustment), now);

describe('voiding a grant', () => {
  it.each([
    ['active', () => aBook([day(1), aGrant()]), { voided: '100' }, ['2026-01-10 VOID']],
    [
      'active and partly consumed',
      () => aBook([day(1), aGrant()], [day(2), aConsumption({ amount: '30' })]),
      { consumed: '30', voided: '70' },
      ['2026-01-10 VOID'],
    ],
    [
      'active since this very instant',
      () => aBook([day(1), aGrant({ effectiveAt: day(10) })]),
      { voided: '100' },
      ['2026-01-10 ISSUE', '2026-01-10 VOID'],
    ],
    ['scheduled', () => aBook([day(1), aGrant({ effectiveAt: day(15) })]), { voided: '100' }, []],
    [
      'waiting for its funding',
      () => aBook([day(1), aGrant({ paid: invoice('ON_CREATION') })]),
      { voided: '100' },
      [],
    ],
  ])('that is %s', (_state, book, parts, booked) => {
    const { state, postings } = voidAt(book());

    expect(became(state, 'g1')).toEqual(parts);
    expect(bookings(postings)).toEqual(booked);
    expect(grantStatus(state.grants.get('g1')!, day(10))).toBe('VOIDED');
    expect(settledUsd(state)).toBe('0');
  });

  it.each([
    ['GRANT_EXPIRED', () => aBook([day(1), aGrant({ expiry: until(day(10)) })])],
    [
      'GRANT_EXPIRED',
      () => aBook([day(1), aGrant({ paid: invoice('ON_CREATION'), expiry: until(day(10)) })]),
    ],
    [
      'GRANT_EXHAUSTED',
      () => aBook([day(1), aGrant({ amount: '10' })], [day(2), aConsumption({ amount: '10' })]),
    ],
    ['GRANT_NOT_FOUND', () => aBook()],
  ])('is refused with %s', (reason, book) => {
    expect(refusalOf(() => voidAt(book()))).toMatchObject({ reason, metadata: { id: 'g1' } });
  });

  it('again is a success that changes nothing and takes no version, also past the expiry', () => {
    const book = aBook([day(1), aGrant({ expiry: until(day(12)) })], [day(10), aVoid('g1')]);

    const again = voidAt(book, day(15));

    expect(again).toMatchObject({ changed: false, postings: [], state: book });
    expect(grantStatus(again.answer.grant, day(15))).toBe('VOIDED');
  });

  it('keeps a scheduled grant pending until the void, and off the ledger for ever', () => {
    const { state } = voidAt(aBook([day(1), aGrant({ effectiveAt: day(15) })]));

    expect(promiseOf(state.grants.get('g1')!)).toMatchObject({ from: day(1), until: day(10) });
    expect(decide(state, aGrant({ grantId: 'g2' }), day(20)).postings).toHaveLength(1);
  });
});

describe('what a void does to what is owed', () => {
  const NOTHING_RELEASED = ['CUSTOMER_FBO -100', 'BREAKAGE +100'];
  const RELEASED = ['CUSTOMER_FBO -100', 'CUSTOMER_RECEIVABLE OPEN +100'];

  it.each([
    ['NONE', 'an unpaid invoice', invoice('ON_CREATION', 'ISSUED'), NOTHING_RELEASED],
    ['RELEASE_UNPAID', 'an unpaid invoice', invoice('ON_CREATION', 'ISSUED'), RELEASED],
    ['RELEASE_UNPAID', 'an unpaid purchase', external('ON_CREATION'), RELEASED],
    ['RELEASE_UNPAID', 'an authorized payment', external('ON_CREATION', 'AUTHORIZED'), NOTHING_RELEASED],
    ['RELEASE_UNPAID', 'a settled payment', external('ON_CREATION', 'SETTLED'), NOTHING_RELEASED],
    ['RELEASE_UNPAID', 'promotional credit', promotional(), NOTHING_RELEASED],
  ] as const)('with %s and %s', (adjustment, _payment, paid, legs) => {
    const { postings } = voidAt(aBook([day(1), aGrant({ paid })]), day(10), adjustment);

    expect(legsOf(postings[0]!)).toEqual(legs);
  });

  it.each([
    ['NONE', NOTHING_RELEASED],
    ['RELEASE_UNPAID', RELEASED],
  ] as const)('with %s is done to what a correction gives back later, too', (adjustment, legs) => {
    const unpaid = aBook([day(1), aGrant({ paid: external('ON_CREATION') })], [day(2), aConsumption()]);
    const voided = voidAt(unpaid, day(10), adjustment).state;

    const { postings, state } = decide(voided, aCorrection('c1', '10'), day(11));

    expect(bookings(postings)).toEqual(['2026-01-11 CORRECT', '2026-01-11 VOID']);
    expect(legsOf(postings[1]!)).toEqual(legs.map((leg) => leg.replace('100', '10')));
    expect(became(state, 'g1')).toEqual({ voided: '100' });
  });

  it('stays the grant’s when its payment is authorized all the same', () => {
    const unpaid = aBook([day(1), aGrant({ paid: external('ON_CREATION') })], [day(2), aConsumption()]);
    const released = voidAt(unpaid, day(10), 'RELEASE_UNPAID').state;
    const paid = decide(released, aPayment('g1', 'AUTHORIZED'), day(11)).state;

    const { postings } = decide(paid, aCorrection('c1', '10'), day(12));

    expect(legsOf(postings[1]!)).toEqual(['CUSTOMER_FBO -10', 'CUSTOMER_RECEIVABLE OPEN +10']);
  });
});
