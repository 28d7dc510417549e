import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import { aBook, aConsumption, aGrant, aVoid, day, until } from '../support/builders.ts';
import { became, bookings, refusalOf, settledUsd, slices } from './readable.ts';

const consume = (book: BookState, now: number, asked: Parameters<typeof aConsumption>[0]) =>
  decide(book, aConsumption(asked), now);

describe('consumption', () => {
  it('takes greedily in burn order and says what it took', () => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'rest', amount: '50' })],
      [day(1), aGrant({ grantId: 'ending', amount: '30', expiry: until(day(9)) })],
    );

    const { answer, state } = consume(book, day(2), { amount: '40' });

    expect(slices(answer.collection.allocations)).toEqual(['ending 30', 'rest 10']);
    expect(settledUsd(state)).toBe('40');
  });

  it('is done in one step: final, and dealt with in full', () => {
    const book = aBook([day(1), aGrant({ amount: '6' })]);

    const { charge } = consume(book, day(2), { amount: '10', mode: 'CREDIT_THEN_INVOICE' }).answer;

    expect(charge).toMatchObject({ type: 'FLAT_FEE', status: 'FINAL', startsAt: day(2), recordedAt: day(2) });
    expect([charge.collected, charge.invoiced, charge.advanced].map(formatAmount)).toEqual(['10', '4', '0']);
  });

  it.each<[asked: string | null, taken: readonly string[]]>([
    [null, ['open 10']],
    ['a', ['only-a 10', 'both 10', 'open 10']],
    ['b', ['both 10', 'open 10']],
    ['c', ['open 10']],
  ])('for feature %s takes %j', (featureKey, taken) => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'open', amount: '10' })],
      [day(1), aGrant({ grantId: 'only-a', amount: '10', featureKeys: ['a'], priority: 5 })],
      [day(1), aGrant({ grantId: 'both', amount: '10', featureKeys: ['a', 'b'] })],
      [day(1), aGrant({ grantId: 'euro', amount: '10', currency: 'EUR' })],
    );

    const { answer } = consume(book, day(2), { amount: '99', featureKey, mode: 'CREDIT_THEN_INVOICE' });

    expect(slices(answer.collection.allocations)).toEqual(taken);
  });
});

describe('a shortfall', () => {
  const book = () => aBook([day(1), aGrant({ amount: '6' })]);

  it('is advanced with CREDIT_ONLY: settled goes negative', () => {
    const { answer, state } = consume(book(), day(2), { amount: '10', mode: 'CREDIT_ONLY' });

    expect(formatAmount(answer.collection.advanced)).toBe('4');
    expect(settledUsd(state)).toBe('-4');
  });

  it('is handed back with CREDIT_THEN_INVOICE: nothing is booked for it', () => {
    const { answer, state } = consume(book(), day(2), { amount: '10', mode: 'CREDIT_THEN_INVOICE' });

    expect(formatAmount(answer.collection.invoiced)).toBe('4');
    expect(settledUsd(state)).toBe('0');
  });

  it('refuses the whole consumption with PREPAID_ONLY, with what was asked and what was there', () => {
    const refusal = refusalOf(() =>
      consume(book(), day(2), { amount: '10', featureKey: 'a', mode: 'PREPAID_ONLY' }),
    );

    expect(refusal.reason).toBe('INSUFFICIENT_CREDIT');
    expect(refusal.metadata).toEqual({ requested: '10', eligible: '6', currency: 'USD', feature_key: 'a' });
  });

  it('that is everything books nothing at all when it is handed back', () => {
    const { postings, changed } = consume(aBook(), day(2), { amount: '10', mode: 'CREDIT_THEN_INVOICE' });

    expect(postings).toEqual([]);
    expect(changed).toBe(true);
  });
});

/** On day 20, for something that happened earlier. */
const late = (book: BookState, bookedAt: number, amount = '10') =>
  consume(book, day(20), { chargeId: 'late', amount, bookedAt, mode: 'CREDIT_THEN_INVOICE' });

describe('consumption booked late', () => {
  it('is booked at its own instant', () => {
    expect(bookings(late(aBook([day(1), aGrant()]), day(5)).postings)).toEqual(['2026-01-05 CONSUME']);
  });

  it('finds no credit that was booked only later', () => {
    const book = aBook([day(1), aGrant({ effectiveAt: day(6) })]);

    expect(slices(late(book, day(6) - 1).answer.collection.allocations)).toEqual([]);
    expect(slices(late(book, day(6)).answer.collection.allocations)).toEqual(['g1 10']);
  });

  it('never takes what others have taken since, so no past instant turns negative', () => {
    const book = aBook([day(1), aGrant({ amount: '12' })], [day(8), aConsumption({ amount: '7' })]);

    expect(slices(late(book, day(5)).answer.collection.allocations)).toEqual(['g1 5']);
  });

  it('is paid by a grant that has expired since; the slice of its expiry is undone at the expiry instant', () => {
    const book = aBook([day(1), aGrant({ expiry: until(day(9)) })], [day(15), aGrant({ grantId: 'g2' })]);

    const { state, postings } = late(book, day(9) - 1);

    expect(bookings(postings)).toEqual(['2026-01-09 EXPIRE_UNDONE', '2026-01-08 CONSUME']);
    expect(became(state, 'g1')).toEqual({ consumed: '10', expired: '90' });
  });

  it('is not paid by a grant that had expired by its own instant', () => {
    const book = aBook([day(1), aGrant({ expiry: until(day(9)) })]);

    expect(slices(late(book, day(9)).answer.collection.allocations)).toEqual([]);
  });

  it('is not paid by a grant that has been voided since', () => {
    const book = aBook([day(1), aGrant()], [day(9), aVoid('g1')]);

    expect(slices(late(book, day(5)).answer.collection.allocations)).toEqual([]);
  });

  it('may be paid by a grant told late', () => {
    const book = aBook([day(15), aGrant({ effectiveAt: day(3), expiry: until(day(9)) })]);

    expect(slices(late(book, day(5)).answer.collection.allocations)).toEqual(['g1 10']);
  });

  it('cannot lie ahead', () => {
    const { reason, metadata } = refusalOf(() => late(aBook(), day(20) + 1));

    expect(reason).toBe('INVALID_FIELD');
    expect(metadata).toEqual({ field: 'booked_at', rule: 'booked_at.not_in_future' });
  });
});
