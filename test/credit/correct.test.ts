import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import {
  aBook,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  aReschedule,
  aVoid,
  credits,
  day,
  until,
  type Write,
} from '../support/builders.ts';
import { became, bookings, refusalOf, settledUsd, slices } from './readable.ts';

/** What a correction on day 20 gives back, the uncovered advance first. */
function givenBack(book: BookState, amount: string, chargeId = 'c1'): readonly string[] {
  const { correction } = decide(book, aCorrection(chargeId, amount), day(20)).answer;
  const advance =
    correction.advanceReduced > 0n ? [`advance ${formatAmount(correction.advanceReduced)}`] : [];
  return [...advance, ...slices(correction.allocations)];
}

const spends = (
  amount: string,
  mode: 'CREDIT_ONLY' | 'CREDIT_THEN_INVOICE' | 'PREPAID_ONLY' = 'CREDIT_ONLY',
): Write => [day(5), aConsumption({ amount, mode })];

describe('a correction gives back what was taken last', () => {
  const book = () =>
    aBook(
      [day(1), aGrant({ grantId: 'first', amount: '10', priority: 1 })],
      [day(1), aGrant({ grantId: 'second', amount: '10', priority: 2 })],
      spends('45'),
      [day(6), aGrant({ grantId: 'early', amount: '5' })],
      [day(7), aGrant({ grantId: 'later', amount: '5' })],
    );

  it.each([
    ['15', ['advance 15']],
    ['18', ['advance 15', 'later 3']],
    ['22', ['advance 15', 'later 5', 'early 2']],
    ['28', ['advance 15', 'later 5', 'early 5', 'second 3']],
    ['45', ['advance 15', 'later 5', 'early 5', 'second 10', 'first 10']],
  ])('%s: uncovered advance, coverings in reverse, sources in reverse', (amount, expected) => {
    expect(givenBack(book(), amount)).toEqual(expected);
  });

  it('whatever the priorities of today', () => {
    const moved = decide(book(), aReschedule('first', { expiresAt: day(30) }), day(19)).state;

    expect(givenBack(moved, '28')).toEqual(['advance 15', 'later 5', 'early 5', 'second 3']);
  });

  it('never the same twice', () => {
    const once = decide(book(), aCorrection('c1', '22'), day(19)).state;

    expect(givenBack(once, '10')).toEqual(['early 3', 'second 7']);
  });

  it('collection by collection, the last first', () => {
    const twice = aBook(
      [day(1), aGrant({ grantId: 'g1', amount: '10' })],
      [day(2), aCharge({ amount: '20', mode: 'CREDIT_ONLY' })],
      [day(3), aCollection('c1', { amount: '4' })],
      [day(4), aCollection('c1', { amount: '8' })],
    );

    expect(givenBack(twice, '3')).toEqual(['advance 2', 'g1 1']);
    expect(givenBack(twice, '9')).toEqual(['advance 2', 'g1 6', 'g1 1']);
  });
});

describe('a correction', () => {
  it('is booked now, as one posting', () => {
    const book = aBook([day(1), aGrant()], spends('40'));

    const { postings, state } = decide(book, aCorrection('c1', '15'), day(20));

    expect(bookings(postings)).toEqual(['2026-01-20 CORRECT']);
    expect(became(state, 'g1')).toEqual({ consumed: '25', remaining: '75' });
    expect(formatAmount(state.charges.get('c1')!.collected)).toBe('25');
  });

  it.each([
    [
      'expired',
      aReschedule('g1', { expiresAt: day(9) }),
      ['CORRECT', 'EXPIRE'],
      { consumed: '25', expired: '75' },
    ],
    ['voided', aVoid('g1'), ['CORRECT', 'VOID'], { consumed: '25', voided: '75' }],
  ])('to a grant that has meanwhile %s is forfeited in the same instant', (_how, ending, kinds, parts) => {
    const book = aBook(
      [day(1), aGrant()],
      spends('40'),
      [day(6), ending],
      [day(19), aGrant({ grantId: 'g2' })],
    );

    const { postings, state } = decide(book, aCorrection('c1', '15'), day(20));

    expect(bookings(postings)).toEqual(kinds.map((kind) => `2026-01-20 ${kind}`));
    expect(became(state, 'g1')).toEqual(parts);
  });

  it('covers open advances with what it gives back, once all has been given back', () => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'last', amount: '10', priority: 20 })],
      [day(1), aGrant({ grantId: 'first', amount: '10' })],
      spends('20'),
      [day(6), aConsumption({ chargeId: 'debt', amount: '7', mode: 'CREDIT_ONLY' })],
    );

    const { state, postings } = decide(book, aCorrection('c1', '15'), day(20));

    expect(bookings(postings)).toEqual(['2026-01-20 CORRECT', '2026-01-20 COVER', '2026-01-20 COVER']);
    // `last` gives back first, yet all that came back to `first` covers before it: it burns first.
    expect(became(state, 'first')).toEqual({ consumed: '10' });
    expect(became(state, 'last')).toEqual({ consumed: '2', remaining: '8' });
    expect(settledUsd(state)).toBe('8');
  });

  it('does not reopen an advance whose covering it gives back', () => {
    const book = aBook(spends('10'), [day(6), aGrant({ amount: '10' })]);

    const { state, reductions } = decide(book, aCorrection('c1', '4'), day(20));

    expect(settledUsd(state)).toBe('4');
    expect(reductions).toEqual([]);
    expect(became(state, 'g1')).toEqual({ consumed: '6', remaining: '4' });
  });

  it('lets credit pay late only from when it came back', () => {
    const book = aBook([day(1), aGrant({ amount: '10' })], spends('10'), [day(12), aCorrection('c1', '10')]);
    const late = (bookedAt: number) =>
      decide(
        book,
        aConsumption({ chargeId: 'late', amount: '10', mode: 'CREDIT_THEN_INVOICE', bookedAt }),
        day(20),
      );

    expect(slices(late(day(12) - 1).answer.collection.allocations)).toEqual([]);
    expect(slices(late(day(12)).answer.collection.allocations)).toEqual(['g1 10']);
  });

  it('lets no more of it pay late than nobody has taken since it came back', () => {
    const book = aBook(
      [day(1), aGrant({ amount: '10' })],
      spends('10'),
      [day(12), aCorrection('c1', '10')],
      [day(15), aConsumption({ chargeId: 'c2', amount: '4' })],
    );
    const late = { chargeId: 'late', amount: '10', mode: 'CREDIT_THEN_INVOICE', bookedAt: day(12) } as const;

    expect(slices(decide(book, aConsumption(late), day(20)).answer.collection.allocations)).toEqual(['g1 6']);
  });

  it('lets credit cover a late advance only from when it came back', () => {
    const book = aBook([day(1), aGrant({ amount: '10' })], spends('10'), [day(12), aCorrection('c1', '10')]);
    const debt = aConsumption({ chargeId: 'late', amount: '4', mode: 'CREDIT_ONLY', bookedAt: day(8) });

    expect(bookings(decide(book, debt, day(20)).postings)).toEqual([
      '2026-01-08 CONSUME',
      '2026-01-12 COVER',
    ]);
  });

  it('is refused beyond what credit and advance dealt with; what was handed back is not corrected here', () => {
    const book = aBook([day(1), aGrant({ amount: '6' })], spends('10', 'CREDIT_THEN_INVOICE'));

    expect(givenBack(book, '6')).toEqual(['g1 6']);
    expect(refusalOf(() => givenBack(book, '6.01'))).toMatchObject({
      reason: 'CORRECTION_TOO_LARGE',
      metadata: { id: 'c1' },
    });
  });

  it('leaves a charge with what it still deals with, and of that what had gone beyond credit', () => {
    const book = aBook([day(1), aGrant({ amount: '10' })], spends('25'), [
      day(6),
      aGrant({ grantId: 'covers', amount: '8' }),
    ]);
    const left = (amount: string) => {
      const { collected, advanced } = decide(book, aCorrection('c1', amount), day(20)).state.charges.get(
        'c1',
      )!;
      return [formatAmount(collected), formatAmount(advanced)];
    };

    expect(left('3')).toEqual(['22', '12']);
    // Covered since or not: 7 that nobody covered, and 1 that `covers` did.
    expect(left('8')).toEqual(['17', '7']);
    expect(left('17')).toEqual(['8', '0']);
  });

  it('says by how much it made an advance smaller, collection by collection', () => {
    const book = aBook(
      [day(2), aCharge({ amount: '20', mode: 'CREDIT_ONLY' })],
      [day(3), aCollection('c1', { amount: '4' })],
      [day(4), aCollection('c1', { amount: '8' })],
    );

    const { reductions, state } = decide(book, aCorrection('c1', '9'), day(20));

    expect(reductions).toEqual([
      { version: 4, number: 1, chargeId: 'c1', collection: 2, amount: credits('8'), at: day(20) },
      { version: 4, number: 2, chargeId: 'c1', collection: 1, amount: credits('1'), at: day(20) },
    ]);
    expect([...state.advances.values()].map(({ uncovered }) => formatAmount(uncovered))).toEqual(['3', '0']);
  });

  it('touches nothing of other charges', () => {
    const book = aBook(
      [day(1), aGrant({ amount: '20' })],
      [day(2), aConsumption({ chargeId: 'other', amount: '6' })],
      [day(3), aConsumption({ chargeId: 'c1', amount: '6' })],
      [day(4), aConsumption({ chargeId: 'another', amount: '6' })],
    );

    const { state } = decide(book, aCorrection('c1', '6'), day(20));

    expect([...state.allocations.values()].map(({ returned }) => formatAmount(returned))).toEqual([
      '0',
      '6',
      '0',
    ]);
  });

  it('to a voided grant leaves nothing for a late booking', () => {
    const book = aBook(
      [day(1), aGrant({ amount: '10' })],
      spends('4'),
      [day(6), aVoid('g1')],
      [day(12), aCorrection('c1', '4')],
    );
    const late = aConsumption({
      chargeId: 'late',
      amount: '1',
      mode: 'CREDIT_THEN_INVOICE',
      bookedAt: day(12),
    });

    expect(slices(decide(book, late, day(20)).answer.collection.allocations)).toEqual([]);
  });

  it('to an expired grant lets it pay for what happened before its expiry, only once it had come back', () => {
    const book = aBook(
      [day(1), aGrant({ amount: '10', expiry: until(day(15)) })],
      [day(5), aConsumption({ amount: '10' })],
      [day(16), aCorrection('c1', '10')],
    );
    expect(book.grants.get('g1')).toMatchObject({ phase: 'EXPIRED', expired: credits('10') });
    const late = aConsumption({
      chargeId: 'late',
      amount: '1',
      mode: 'CREDIT_THEN_INVOICE',
      bookedAt: day(8),
    });

    expect(slices(decide(book, late, day(20)).answer.collection.allocations)).toEqual([]);
  });

  it('of a charge nobody knows is not found', () => {
    expect(refusalOf(() => givenBack(aBook(), '1')).reason).toBe('CHARGE_NOT_FOUND');
  });
});
