import { describe, expect, it } from 'vitest';
import { decide } from '../../src/credit/decide.ts';
import { aBook, aConsumption, aGrant, aPosting, aVoid, day, until } from '../support/builders.ts';
import { bookings, legsOf, refusalOf } from './readable.ts';

describe('a decision', () => {
  const book = () => aBook([day(1), aGrant({ grantId: 'g1', effectiveAt: day(5), expiry: until(day(9)) })]);

  it('first books what has fallen due, under its own version', () => {
    const { state, postings } = decide(book(), aGrant({ grantId: 'g2' }), day(12));

    expect(bookings(postings)).toEqual(['2026-01-05 ISSUE', '2026-01-09 EXPIRE', '2026-01-12 ISSUE']);
    expect(state).toMatchObject({ version: 2, clock: day(12) });
  });

  it('takes one version, however little it books', () => {
    const { state } = decide(book(), aGrant({ grantId: 'g2', effectiveAt: day(20) }), day(2));

    expect(state.version).toBe(2);
  });

  it('that is refused leaves nothing behind, not even what had fallen due', () => {
    const given = book();

    refusalOf(() => decide(given, aConsumption({ amount: '1000' }), day(6)));
    refusalOf(() => decide(given, aVoid('g1'), day(9)));

    expect(given).toEqual(book());
  });

  it('to post by hand books what it is told, at its own instant, with its reason', () => {
    const { answer, postings, changed } = decide(book(), aPosting('5', day(2)), day(3));

    expect(postings).toMatchObject([{ kind: 'MANUAL', bookedAt: day(2), reason: 'cash at the counter' }]);
    expect(postings.flatMap(legsOf)).toEqual(['CUSTOMER_RECEIVABLE OPEN +5', 'WASH unknown -5']);
    expect([answer.currency, changed]).toEqual([null, true]);
  });

  it('that changes nothing leaves the state, and what had fallen due, as it was', () => {
    const given = decide(book(), aVoid('g1'), day(2)).state;

    expect(decide(given, aVoid('g1'), day(12))).toMatchObject({
      changed: false,
      postings: [],
      reductions: [],
    });
    expect(decide(given, aVoid('g1'), day(12)).state).toBe(given);
  });

  it('sees at one and the same instant what an earlier one did', () => {
    const spent = decide(book(), aConsumption({ chargeId: 'c1', amount: '60' }), day(6)).state;

    expect(
      refusalOf(() => decide(spent, aConsumption({ chargeId: 'c2', amount: '60' }), day(6))).metadata,
    ).toMatchObject({
      requested: '60',
      eligible: '40',
    });
  });
});
