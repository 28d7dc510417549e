import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { leftToCollect, outstanding } from '../../src/credit/charge.ts';
import { decide } from '../../src/credit/decide.ts';
import {
  aBook,
  aCancellation,
  aCharge,
  aCollection,
  aCorrection,
  aGrant,
  aReport,
  day,
  type Write,
} from '../support/builders.ts';
import { bookings, refusalOf, slices } from './readable.ts';

const GRANT: Write = [day(1), aGrant()];
const outstandingOf = (state: BookState): string => formatAmount(outstanding(state.charges.get('c1')!));

describe('an open charge', () => {
  const book = () => aBook(GRANT, [day(2), aCharge({ amount: '30' })]);

  it('books nothing by itself', () => {
    expect(decide(aBook(), aCharge(), day(2))).toMatchObject({ postings: [], changed: true });
  });

  it('collects what is outstanding unless it says otherwise, and stays open', () => {
    const { answer, postings } = decide(book(), aCollection('c1'), day(3));

    expect(slices(answer.collection.allocations)).toEqual(['g1 30']);
    expect(bookings(postings)).toEqual(['2026-01-03 CONSUME']);
    expect(answer.charge).toMatchObject({ status: 'OPEN', closedAt: null });
  });

  it('may collect more than is outstanding', () => {
    const { answer, state } = decide(book(), aCollection('c1', { amount: '50' }), day(3));

    expect(slices(answer.collection.allocations)).toEqual(['g1 50']);
    expect(outstandingOf(state)).toBe('0');
  });

  it('counts everything a collection dealt with as collected, also what was handed back', () => {
    const small = aBook(
      [day(1), aGrant({ amount: '5' })],
      [day(2), aCharge({ mode: 'CREDIT_THEN_INVOICE' })],
    );

    const { answer } = decide(small, aCollection('c1'), day(3));

    expect(formatAmount(answer.charge.collected)).toBe('10');
    expect(formatAmount(answer.charge.invoiced)).toBe('5');
  });

  it('collects nothing when nothing is outstanding: a success that changes nothing', () => {
    const collected = decide(book(), aCollection('c1'), day(3)).state;

    expect(decide(collected, aCollection('c1'), day(4))).toMatchObject({ changed: false, postings: [] });
  });

  it('collects nothing of nothing: no slice, no advance, nothing to invoice', () => {
    const collected = decide(book(), aCollection('c1'), day(3)).state;

    expect(decide(collected, aCollection('c1'), day(4)).answer).toMatchObject({
      collection: { allocations: [], advanced: 0n, invoiced: 0n },
      charge: { collections: 1 },
    });
  });

  it('adds up what its collections went beyond credit', () => {
    const owing = aBook(
      [day(1), aGrant({ amount: '10' })],
      [day(2), aCharge({ amount: '40', mode: 'CREDIT_ONLY' })],
      [day(3), aCollection('c1', { amount: '13' })],
      [day(4), aCollection('c1', { amount: '20' })],
    );
    const { collected, advanced, collections } = owing.charges.get('c1')!;

    expect([formatAmount(collected), formatAmount(advanced), collections]).toEqual(['33', '23', 2]);
  });

  it('is closed by a collection of nothing that finalizes', () => {
    const collected = decide(book(), aCollection('c1'), day(3)).state;

    const { answer, changed } = decide(collected, aCollection('c1', { finalize: true }), day(4));

    expect(changed).toBe(true);
    expect(answer.charge).toMatchObject({ status: 'FINAL', closedAt: day(4) });
  });

  it('is closed when it is told to be, however late its last collection is booked', () => {
    const { answer } = decide(book(), aCollection('c1', { finalize: true, bookedAt: day(2) }), day(4));

    expect(answer.charge.closedAt).toBe(day(4));
  });

  it('may be collected before it starts, before it was recorded, and after its hold has expired', () => {
    const times = { startsAt: day(5), holdExpiresAt: day(6) };
    const held = aBook(GRANT, [day(3), aCharge({ ...times })]);

    for (const [bookedAt, now] of [
      [day(2), day(3)],
      [day(4), day(4)],
      [day(9), day(9)],
    ] as const) {
      expect(
        slices(decide(held, aCollection('c1', { bookedAt }), now).answer.collection.allocations),
      ).toEqual(['g1 10']);
    }
  });

  it('is canceled once; what was collected stays', () => {
    const collected = decide(book(), aCollection('c1', { amount: '10' }), day(3)).state;
    const { state, answer, postings } = decide(collected, aCancellation('c1'), day(4));

    expect(postings).toEqual([]);
    expect(answer.charge).toMatchObject({ status: 'CANCELED', closedAt: day(4) });
    expect(formatAmount(answer.charge.collected)).toBe('10');
    expect(decide(state, aCancellation('c1'), day(5)).changed).toBe(false);
  });

  it('has nothing left to collect once it is closed, whatever it had left or is given back', () => {
    const canceled = decide(book(), aCancellation('c1'), day(3)).answer.charge;
    const final = decide(book(), aCollection('c1', { finalize: true }), day(3)).state;
    const corrected = decide(final, aCorrection('c1', '10'), day(4)).answer.charge;

    expect([canceled, corrected].map((charge) => formatAmount(outstanding(charge)))).toEqual(['30', '10']);
    expect([canceled, corrected].map(leftToCollect)).toEqual([0n, 0n]);
  });

  it.each([
    ['CANCELED', aCancellation('c1')],
    ['FINAL', aCollection('c1', { finalize: true })],
  ])('once %s takes no collection and no report', (state, closing) => {
    const closed = decide(book(), closing, day(3)).state;
    const refused = { reason: 'CHARGE_NOT_OPEN', metadata: { id: 'c1', state } };

    expect(refusalOf(() => decide(closed, aCollection('c1'), day(4)))).toMatchObject(refused);
    expect(refusalOf(() => decide(closed, aReport('c1', '5'), day(4)))).toMatchObject(refused);
  });

  it('that nobody knows is not found', () => {
    for (const command of [aCollection('c9'), aReport('c9', '5'), aCancellation('c9')]) {
      const { reason, metadata } = refusalOf(() => decide(book(), command, day(3)));

      expect([reason, metadata['id']]).toEqual(['CHARGE_NOT_FOUND', 'c9']);
    }
  });
});

describe('a report of usage', () => {
  const book = () =>
    aBook(GRANT, [day(2), aCharge({ type: 'USAGE_BASED', amount: '0' })], [day(3), aReport('c1', '8', 5)]);

  it('is a new total, not an addition', () => {
    expect(outstandingOf(decide(book(), aReport('c1', '12', 6), day(4)).state)).toBe('12');
  });

  it.each([5, 4])('with sequence %i after 5 is ignored: a success that changes nothing', (sequence) => {
    const { changed, answer } = decide(book(), aReport('c1', '99', sequence), day(4));

    expect(changed).toBe(false);
    expect(formatAmount(answer.charge.amount)).toBe('8');
  });

  it('without a sequence always counts, and leaves the last sequence as it was', () => {
    const { state } = decide(book(), aReport('c1', '3'), day(4));

    expect(outstandingOf(state)).toBe('3');
    expect(decide(state, aReport('c1', '99', 5), day(5)).changed).toBe(false);
  });

  it('of the total there is changes nothing without a sequence, and moves the sequence with one', () => {
    const same = decide(book(), aReport('c1', '8'), day(4));
    const numbered = decide(book(), aReport('c1', '8', 6), day(4));

    expect([same.changed, numbered.changed]).toEqual([false, true]);
    expect(numbered.answer.charge.sequence).toBe(6);
  });

  it('may be the first with a sequence, and may come down to nothing', () => {
    const fresh = aBook([day(2), aCharge({ type: 'USAGE_BASED', amount: '3' })]);

    expect(decide(fresh, aReport('c1', '0', -1), day(4)).answer.charge).toMatchObject({
      amount: 0n,
      sequence: -1,
    });
  });

  it('below what was collected leaves nothing outstanding', () => {
    const collected = decide(book(), aCollection('c1'), day(4)).state;

    expect(outstandingOf(decide(collected, aReport('c1', '2', 6), day(5)).state)).toBe('0');
  });

  it('may also change a flat fee, but not to nothing', () => {
    const fee = aBook([day(2), aCharge({ amount: '10' })]);

    expect(outstandingOf(decide(fee, aReport('c1', '4'), day(3)).state)).toBe('4');
    expect(refusalOf(() => decide(fee, aReport('c1', '0'), day(3))).reason).toBe('INVALID_FIELD');
  });

  it('is never rounded to the currency: more decimals are refused', () => {
    expect(refusalOf(() => decide(book(), aReport('c1', '1.005'), day(4))).reason).toBe('TOO_PRECISE');
  });
});
