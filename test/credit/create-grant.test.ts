import { describe, expect, it } from 'vitest';
import { decide } from '../../src/credit/decide.ts';
import { grantStatus } from '../../src/credit/grant.ts';
import { NEVER } from '../../src/instant.ts';
import { aBook, aGrant, day, external, invoice, promotional, until, type Paid } from '../support/builders.ts';
import { became, bookings, refusalOf, settledUsd } from './readable.ts';

const create = (grant: Parameters<typeof aGrant>[0], now = day(10)) => decide(aBook(), aGrant(grant), now);

describe('a new grant', () => {
  it('is credit from now on unless it says otherwise', () => {
    const { answer, state, postings } = create({});

    expect(answer.grant).toMatchObject({ effectiveAt: day(10), recordedAt: day(10), expiresAt: NEVER });
    expect(bookings(postings)).toEqual(['2026-01-10 ISSUE']);
    expect(settledUsd(state)).toBe('100');
  });

  it('of the past is booked at its own past instant', () => {
    const { answer, postings } = create({ effectiveAt: day(3) });

    expect(answer.grant).toMatchObject({ bookedAt: day(3), recordedAt: day(10) });
    expect(bookings(postings)).toEqual(['2026-01-03 ISSUE']);
  });

  it('of the future is scheduled: nothing is booked', () => {
    const { answer, postings } = create({ effectiveAt: day(15) });

    expect(grantStatus(answer.grant, day(10))).toBe('PENDING');
    expect(postings).toEqual([]);
  });

  it('that had come and gone before it was recorded is history told late', () => {
    const { answer, state, postings } = create({ effectiveAt: day(3), expiry: until(day(5)) });

    expect(grantStatus(answer.grant, day(10))).toBe('EXPIRED');
    expect(bookings(postings)).toEqual(['2026-01-03 ISSUE', '2026-01-05 EXPIRE']);
    expect(became(state, 'g1')).toEqual({ expired: '100' });
  });

  it.each([
    ['promotional', promotional(), true],
    ['paid elsewhere, available on creation', external('ON_CREATION'), true],
    ['paid elsewhere, available when paid', external('ON_SETTLEMENT'), false],
    ['paid elsewhere, payment authorized', external('ON_AUTHORIZATION', 'AUTHORIZED'), true],
    ['paid elsewhere, authorized where settled is asked', external('ON_SETTLEMENT', 'AUTHORIZED'), false],
    ['paid elsewhere, settled where authorized is asked', external('ON_AUTHORIZATION', 'SETTLED'), true],
    ['invoiced, the invoice not issued', invoice('ON_CREATION'), false],
    ['invoiced, the invoice issued', invoice('ON_CREATION', 'ISSUED'), true],
    ['invoiced, issued where authorized is asked', invoice('ON_AUTHORIZATION', 'ISSUED'), false],
  ])('%s, is credit at once: %s', (_funding, paid, isCredit) => {
    expect(create({ paid }).answer.grant.bookedAt === day(10)).toBe(isCredit);
  });
});

describe('the money of a new grant', () => {
  it.each<[how: string, paid: Paid, booked: readonly string[]]>([
    ['given away', promotional(), ['ISSUE']],
    ['not paid yet', external('ON_CREATION'), ['ISSUE']],
    [
      'paid before it was told',
      external('ON_CREATION', 'SETTLED'),
      ['ISSUE', 'PAYMENT_AUTHORIZED', 'PAYMENT_SETTLED'],
    ],
    ['authorized, and not credit yet', external('ON_SETTLEMENT', 'AUTHORIZED'), ['PAYMENT_AUTHORIZED']],
  ])('%s', (_how, paid, booked) => {
    const { state, postings } = create({ paid });

    expect(bookings(postings)).toEqual(booked.map((kind) => `2026-01-10 ${kind}`));
    expect(state.grants.get('g1')).toMatchObject({ formerTimes: [], moves: [] });
  });

  it('came with it: at its effective instant where that is past, now where it lies ahead', () => {
    const settledAt = (effectiveAt: number) =>
      create({ effectiveAt, paid: external('ON_CREATION', 'SETTLED') }).answer.grant.funding.settledAt;

    expect([settledAt(day(3)), settledAt(day(15))]).toEqual([day(3), day(10)]);
  });
});

describe('an expiry', () => {
  it('counts a calendar duration from the effective instant, not from now', () => {
    const effectiveAt = Date.UTC(2026, 0, 31);

    const { grant } = create({ effectiveAt, expiry: { kind: 'after', duration: 'P1M' } }).answer;

    expect(grant.expiresAt).toBe(Date.UTC(2026, 1, 28));
  });

  it('counts from now when the effective instant is left out', () => {
    const { grant } = create({ expiry: { kind: 'after', duration: 'PT1H' } }).answer;

    expect(grant.expiresAt).toBe(day(10) + 3_600_000);
  });

  it('may be one millisecond after the effective instant, not less', () => {
    const effectiveAt = day(12);

    expect(create({ effectiveAt, expiry: until(effectiveAt + 1) }).changed).toBe(true);
    expect(refusalOf(() => create({ effectiveAt, expiry: until(effectiveAt) }))).toMatchObject({
      reason: 'INVALID_FIELD',
      metadata: { field: 'expires_at' },
    });
  });

  it('is named as the caller gave it when it is refused', () => {
    for (const duration of ['P0D', 'P9000Y']) {
      const { metadata } = refusalOf(() => create({ expiry: { kind: 'after', duration } }));

      expect(metadata['field']).toBe('expires_after');
    }
  });
});
