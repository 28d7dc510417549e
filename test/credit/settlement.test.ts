import { describe, expect, it } from 'vitest';
import { advanceTo } from '../../src/credit/advance-to.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
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
  type Paid,
  type Write,
} from '../support/builders.ts';
import { became, bookings, legsOf, refusalOf, settledUsd } from './readable.ts';

const grant = (paid: Paid, more: Parameters<typeof aGrant>[0] = {}): Write => [
  day(1),
  aGrant({ paid, ...more }),
];

const pay = (
  book: BookState,
  status: 'ISSUED' | 'AUTHORIZED' | 'SETTLED' | 'FAILED',
  at: number,
  now = day(5),
) => decide(book, aPayment('g1', status, at), now);

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

describe('what a payment has come to', () => {
  const fundingOf = (state: BookState) => {
    const { status, issuedAt, authorizedAt, settledAt, failedAt } = state.grants.get('g1')!.funding;
    return [status, issuedAt, authorizedAt, settledAt, failedAt];
  };

  it('has the instant of each step; a later one implies those it skipped, at its own', () => {
    const issued = pay(aBook(grant(invoice('ON_SETTLEMENT'))), 'ISSUED', day(2)).state;

    expect(fundingOf(issued)).toEqual(['ISSUED', day(2), null, null, null]);
    expect(fundingOf(pay(issued, 'SETTLED', day(4)).state)).toEqual([
      'SETTLED',
      day(2),
      day(4),
      day(4),
      null,
    ]);
  });

  it('has no issue where there is no invoice', () => {
    expect(fundingOf(pay(aBook(grant(external('ON_SETTLEMENT'))), 'SETTLED', day(4)).state)).toEqual([
      'SETTLED',
      null,
      day(4),
      day(4),
      null,
    ]);
  });

  it('keeps its steps when it fails, and calls the promise off with a reason', () => {
    const authorized = aBook(grant(external('ON_SETTLEMENT')), [day(3), aPayment('g1', 'AUTHORIZED')]);
    const { state } = pay(authorized, 'FAILED', day(4));

    expect(fundingOf(state)).toEqual(['FAILED', null, day(3), null, day(4)]);
    expect(state.grants.get('g1')).toMatchObject({ voidedAt: day(4), voidReason: 'payment failed' });
  });

  it('books nothing when it fails before any money was seen', () => {
    expect(pay(aBook(grant(external('ON_SETTLEMENT'))), 'FAILED', day(4)).postings).toEqual([]);
  });

  it('keeps the invoice it was told of until it is told of another', () => {
    const told = (book: BookState, status: 'ISSUED' | 'AUTHORIZED' | 'SETTLED', invoiceId: string | null) =>
      decide(book, { ...aPayment('g1', status), invoiceId }, day(5)).state;
    const invoiceOf = (state: BookState) => state.grants.get('g1')!.funding.invoiceId;
    const issued = told(aBook(grant(invoice('ON_SETTLEMENT'))), 'ISSUED', 'in_1');

    expect(invoiceOf(told(issued, 'AUTHORIZED', null))).toBe('in_1');
    expect(invoiceOf(told(issued, 'AUTHORIZED', 'in_2'))).toBe('in_2');
  });

  it('makes no credit twice: a later step of a funded grant books its money alone', () => {
    const credit = aBook(grant(external('ON_AUTHORIZATION')), [day(2), aPayment('g1', 'AUTHORIZED')]);
    const { state, postings } = pay(credit, 'SETTLED', day(4));

    expect(bookings(postings)).toEqual(['2026-01-04 PAYMENT_SETTLED']);
    expect(state.grants.get('g1')).toMatchObject({ fundedAt: day(2), bookedAt: day(2) });
  });

  it('makes none by a step short of its policy', () => {
    const { state, postings } = pay(aBook(grant(external('ON_SETTLEMENT'))), 'AUTHORIZED', day(4));

    expect(bookings(postings)).toEqual(['2026-01-04 PAYMENT_AUTHORIZED']);
    expect(state.grants.get('g1')).toMatchObject({ phase: 'SCHEDULED', bookedAt: null });
    expect(settledUsd(advanceTo(state, day(30)).state)).toBe('0');
  });

  it('that failed may not go on, on a voided grant neither', () => {
    const failed = aBook(
      grant(external('ON_SETTLEMENT')),
      [day(2), aVoid('g1')],
      [day(3), aPayment('g1', 'FAILED')],
    );

    expect(refusalOf(() => pay(failed, 'AUTHORIZED', day(4))).metadata).toMatchObject({ state: 'FAILED' });
  });

  it('may fail although its grant was credit once, where the grant was voided since', () => {
    const voided = aBook(grant(external('ON_CREATION', 'AUTHORIZED')), [day(2), aVoid('g1')]);

    expect(bookings(pay(voided, 'FAILED', day(4)).postings)).toEqual(['2026-01-04 PAYMENT_FAILED']);
  });

  it('may fail where it was paid only at its own expiry, so that nobody could use it', () => {
    const late = aBook(grant(external('ON_SETTLEMENT'), { expiry: until(day(3)) }), [
      day(4),
      aPayment('g1', 'SETTLED', day(3)),
    ]);
    const { state } = pay(late, 'FAILED', day(5));

    expect(became(state, 'g1')).toEqual({ expired: '100' });
    expect(state.grants.get('g1')).toMatchObject({ phase: 'EXPIRED', bookedAt: day(3) });
  });

  it('pays for what is issued and gone in one instant', () => {
    const lapsed = aBook(grant(external('ON_SETTLEMENT'), { expiry: until(day(3)) }));
    const [, , issued] = pay(lapsed, 'SETTLED', day(4)).postings;

    expect(legsOf(issued!)).toEqual(['CUSTOMER_FBO +100', 'CUSTOMER_RECEIVABLE OPEN -100']);
  });
});

/** 0.50 of a currency for a unit of credit. */
const half = (purchaseCurrency: string): Paid => {
  const { terms, initialStatus } = external('ON_CREATION');
  return { terms: { ...terms, purchaseCurrency, costBasis: credits('0.5') }, initialStatus };
};

describe('the money of a payment', () => {
  it('in the currency of the credit: what credit is worth beyond it goes to brokerage', () => {
    const { postings } = pay(aBook(grant(half('USD'))), 'AUTHORIZED', day(3));

    expect(postings.flatMap(legsOf)).toEqual([
      'CUSTOMER_RECEIVABLE OPEN +50',
      'BROKERAGE -50',
      'CUSTOMER_RECEIVABLE OPEN +50',
      'CUSTOMER_RECEIVABLE AUTHORIZED -50',
    ]);
  });

  it('that is too little for any coin books no payment', () => {
    const { terms, initialStatus } = external('ON_CREATION');
    const paid = { terms: { ...terms, costBasis: credits('0.1') }, initialStatus };
    const { postings } = pay(aBook(grant(paid, { amount: '0.01' })), 'SETTLED', day(3));

    expect(bookings(postings)).toEqual(['2026-01-03 PAYMENT_AUTHORIZED']);
    expect(postings.flatMap(legsOf)).toEqual(['CUSTOMER_RECEIVABLE OPEN +0.01', 'BROKERAGE -0.01']);
  });

  it('in another: the debt in credit is exchanged for one in money', () => {
    const { postings } = pay(aBook(grant(half('EUR'))), 'SETTLED', day(3));

    expect(postings.map(legsOf)).toEqual([
      [
        'CUSTOMER_RECEIVABLE OPEN +100',
        'BROKERAGE -100',
        'CUSTOMER_RECEIVABLE OPEN -50',
        'BROKERAGE +50',
        'CUSTOMER_RECEIVABLE OPEN +50',
        'CUSTOMER_RECEIVABLE AUTHORIZED -50',
      ],
      ['CUSTOMER_RECEIVABLE AUTHORIZED +50', 'WASH -50'],
    ]);
  });
});
