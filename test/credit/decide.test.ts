import { describe, expect, it } from 'vitest';
import { decide } from '../../src/credit/decide.ts';
import { aBook, aConsumption, aGrant, aVoid, day, until } from '../support/builders.ts';
import { bookings, refusalOf } from './readable.ts';

describe('a decision', () => {
  const book = aBook([day(1), aGrant({ grantId: 'g1', effectiveAt: day(5), expiry: until(day(9)) })]);

  it('first books what has fallen due, under its own version', () => {
    const { state, postings } = decide(book, aGrant({ grantId: 'g2' }), day(12));

    expect(bookings(postings)).toEqual(['2026-01-05 ISSUE', '2026-01-09 EXPIRE', '2026-01-12 ISSUE']);
    expect(state).toMatchObject({ version: 2, clock: day(12) });
  });

  it('takes one version, however little it books', () => {
    const { state } = decide(book, aGrant({ grantId: 'g2', effectiveAt: day(20) }), day(2));

    expect(state.version).toBe(2);
  });

  it('that is refused leaves nothing behind, not even what had fallen due', () => {
    const before = structuredClone(book);

    refusalOf(() => decide(book, aConsumption({ amount: '1000' }), day(6)));
    refusalOf(() => decide(book, aVoid('g1'), day(9)));

    expect(book).toEqual(before);
  });

  it('sees at one and the same instant what an earlier one did', () => {
    const spent = decide(book, aConsumption({ chargeId: 'c1', amount: '60' }), day(6)).state;

    expect(
      refusalOf(() => decide(spent, aConsumption({ chargeId: 'c2', amount: '60' }), day(6))).metadata,
    ).toMatchObject({
      requested: '60',
      eligible: '40',
    });
  });
});
