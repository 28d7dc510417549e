import { describe, expect, it } from 'vitest';
import { advanceTo } from '../../src/credit/advance-to.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import {
  aBook,
  aPayment,
  aVoid,
  credits,
  day,
  external,
  invoice,
  until,
  type Paid,
} from '../support/builders.ts';
import { grant, pay } from './paying.ts';
import { became, bookings, legsOf, refusalOf, settledUsd } from './readable.ts';

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
