import { describe, expect, it } from 'vitest';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { grantStatus, promiseOf } from '../../src/credit/grant.ts';
import {
  aBook,
  aConsumption,
  aGrant,
  aPayment,
  aVoid,
  credits,
  day,
  external,
  invoice,
  until,
} from '../support/builders.ts';
import { grant, pay } from './paying.ts';
import { became, bookings, legsOf, refusalOf, settledUsd } from './readable.ts';

describe('a grant becomes credit', () => {
  it.each([
    ['invoice, on creation', invoice('ON_CREATION'), 'ISSUED'],
    ['invoice, on authorization', invoice('ON_AUTHORIZATION', 'ISSUED'), 'AUTHORIZED'],
    ['external, on authorization', external('ON_AUTHORIZATION'), 'AUTHORIZED'],
    ['external, on settlement', external('ON_SETTLEMENT', 'AUTHORIZED'), 'SETTLED'],
    ['invoice, on creation, the steps between implied', invoice('ON_CREATION'), 'SETTLED'],
  ] as const)('%s: when %s arrives', (_terms, paid, status) => {
    const book = aBook(grant(paid));

    const { answer, state } = pay(book, status, day(5));

    expect(settledUsd(book)).toBe('0');
    expect(answer.grant).toMatchObject({ bookedAt: day(5), funding: { status } });
    expect(settledUsd(state)).toBe('100');
  });

  it.each([
    ['at its effective instant, paid before', day(8), day(4), day(8)],
    ['when it is paid, after its effective instant', day(3), day(4), day(4)],
  ])('%s', (_when, effectiveAt, paidAt, bookedAt) => {
    const book = aBook(grant(external('ON_SETTLEMENT'), { effectiveAt }));

    const { state } = pay(book, 'SETTLED', paidAt);

    expect(advanceTo(state, day(9)).state.grants.get('g1')!.bookedAt).toBe(bookedAt);
  });

  it('at the past instant of its payment, told late, and covers from then', () => {
    const book = aBook(grant(external('ON_SETTLEMENT')), [
      day(3),
      aConsumption({ amount: '30', mode: 'CREDIT_ONLY' }),
    ]);

    const { state, postings } = pay(book, 'SETTLED', day(2), day(5));

    expect(bookings(postings).filter((line) => !line.includes('PAYMENT'))).toEqual([
      '2026-01-02 ISSUE',
      '2026-01-03 COVER',
    ]);
    expect(promiseOf(state.grants.get('g1')!)).toMatchObject({ from: day(1), until: day(2) });
  });
});

describe('a grant that waited past its expiry', () => {
  const lapsed = () =>
    aBook(grant(external('ON_SETTLEMENT'), { expiry: until(day(4)) }), [day(6), aGrant({ grantId: 'g2' })]);

  it('was credit after all if it had been paid in time', () => {
    const { state, postings } = pay(lapsed(), 'SETTLED', day(2), day(7));

    expect(bookings(postings).filter((line) => !line.includes('PAYMENT'))).toEqual([
      '2026-01-02 ISSUE',
      '2026-01-04 EXPIRE',
    ]);
    expect(became(state, 'g1')).toEqual({ expired: '100' });
  });

  it.each([
    ['later', day(5), '2026-01-05'],
    ['at the very instant', day(4), '2026-01-04'],
  ])('paid only %s, is issued and gone in one instant', (_when, paidAt, date) => {
    const { state, postings } = pay(lapsed(), 'SETTLED', paidAt, day(7));

    expect(bookings(postings).filter((line) => !line.includes('PAYMENT'))).toEqual([
      `${date} ISSUE`,
      `${date} EXPIRE`,
    ]);
    expect(became(state, 'g1')).toEqual({ expired: '100' });
  });
});

describe('a payment that fails', () => {
  it('before the grant is credit calls it off, as of the failure', () => {
    const { state } = pay(aBook(grant(invoice('ON_SETTLEMENT', 'AUTHORIZED'))), 'FAILED', day(3));
    const failed = state.grants.get('g1')!;

    expect(grantStatus(failed, day(5))).toBe('VOIDED');
    expect(promiseOf(failed)).toMatchObject({ from: day(1), until: day(3) });
    expect(became(state, 'g1')).toEqual({ voided: '100' });
  });

  it('takes back the payment legs booked so far, also after it was settled', () => {
    const book = aBook(grant(external('ON_CREATION', 'SETTLED'), { effectiveAt: day(9) }));

    const { postings } = pay(book, 'FAILED', day(3));

    expect(postings.flatMap(legsOf)).toEqual([
      'CUSTOMER_RECEIVABLE OPEN -100',
      'CUSTOMER_RECEIVABLE AUTHORIZED +100',
      'CUSTOMER_RECEIVABLE AUTHORIZED -100',
      'WASH +100',
    ]);
  });

  it('once the grant is credit comes too late: void it instead', () => {
    const book = aBook(grant(external('ON_CREATION', 'AUTHORIZED')));

    expect(refusalOf(() => pay(book, 'FAILED', day(3)))).toMatchObject({
      reason: 'SETTLEMENT_OUT_OF_ORDER',
      metadata: { id: 'g1' },
    });
  });

  it('on a grant called off before takes the money back and leaves the grant as it is', () => {
    const book = aBook(grant(invoice('ON_SETTLEMENT', 'AUTHORIZED')), [day(2), aVoid('g1')]);

    const { state, postings } = pay(book, 'FAILED', day(3));

    expect(bookings(postings)).toEqual(['2026-01-03 PAYMENT_FAILED']);
    expect(state.grants.get('g1')).toMatchObject({ voidedAt: day(2), voided: credits('100') });
  });

  it('takes the money back also from a grant that was voided once it had been credit', () => {
    const book = aBook(grant(external('ON_CREATION', 'AUTHORIZED')), [day(2), aVoid('g1')]);

    expect(bookings(pay(book, 'FAILED', day(3)).postings)).toEqual(['2026-01-03 PAYMENT_FAILED']);
  });

  it('takes the money back also from a grant that was paid only after its own expiry', () => {
    const book = aBook(grant(external('ON_SETTLEMENT', 'AUTHORIZED'), { expiry: until(day(2)) }), [
      day(3),
      aPayment('g1', 'SETTLED'),
    ]);

    expect(bookings(pay(book, 'FAILED', day(4)).postings)).toEqual(['2026-01-04 PAYMENT_FAILED']);
  });
});

describe('events of one payment', () => {
  const authorized = () => aBook(grant(invoice('ON_CREATION')), [day(3), aPayment('g1', 'AUTHORIZED')]);

  it('repeated are a success that changes nothing', () => {
    expect(pay(authorized(), 'AUTHORIZED', day(4))).toMatchObject({ changed: false, postings: [] });
  });

  it.each([
    ['backward', authorized, 'ISSUED', day(4)],
    ['before the one recorded last', authorized, 'SETTLED', day(2)],
    ['before the grant was recorded', () => aBook(grant(external('ON_SETTLEMENT'))), 'SETTLED', day(0)],
    [
      'before a back-dated grant was effective',
      () => aBook(grant(external('ON_SETTLEMENT'), { effectiveAt: day(0) })),
      'SETTLED',
      day(0) - 1,
    ],
    [
      'after it failed',
      () => aBook(grant(external('ON_SETTLEMENT')), [day(2), aPayment('g1', 'FAILED')]),
      'SETTLED',
      day(3),
    ],
    ['of an invoice there is none of', () => aBook(grant(external('ON_SETTLEMENT'))), 'ISSUED', day(3)],
  ] as const)('%s are refused', (_how, book, status, at) => {
    expect(refusalOf(() => pay(book(), status, at))).toMatchObject({
      reason: 'SETTLEMENT_OUT_OF_ORDER',
      metadata: { id: 'g1' },
    });
  });

  it('of a back-dated grant may lie in its past', () => {
    const book = aBook(grant(external('ON_SETTLEMENT'), { effectiveAt: day(0) }));

    expect(pay(book, 'SETTLED', day(0)).answer.grant.bookedAt).toBe(day(0));
  });

  it('cannot lie ahead', () => {
    expect(refusalOf(() => pay(authorized(), 'SETTLED', day(5) + 1)).metadata).toMatchObject({
      field: 'occurred_at',
    });
  });

  it('of promotional credit there are none', () => {
    expect(refusalOf(() => pay(aBook([day(1), aGrant()]), 'SETTLED', day(3))).reason).toBe('NOT_FUNDED');
  });

  it('go on booking money for a voided grant, never credit', () => {
    const book = aBook(grant(external('ON_SETTLEMENT')), [day(2), aVoid('g1')]);

    const { state, postings } = pay(book, 'SETTLED', day(3));

    expect(bookings(postings)).toEqual(['2026-01-03 PAYMENT_AUTHORIZED', '2026-01-03 PAYMENT_SETTLED']);
    expect(settledUsd(state)).toBe('0');
  });
});
