import { describe, expect, it } from 'vitest';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { decide } from '../../src/credit/decide.ts';
import { grantStatus, promiseOf } from '../../src/credit/grant.ts';
import { NEVER } from '../../src/instant.ts';
import {
  aBook,
  aConsumption,
  aGrant,
  aPayment,
  aReschedule,
  aVoid,
  day,
  external,
  invoice,
  until,
  type Write,
} from '../support/builders.ts';
import { became, bookings, refusalOf, settledUsd, slices } from './readable.ts';

const SCHEDULED: Write = [day(1), aGrant({ effectiveAt: day(5), expiry: until(day(9)) })];
const ACTIVE: Write = [day(1), aGrant({ expiry: until(day(9)) })];

const move = (write: Write, times: Parameters<typeof aReschedule>[1], now = day(3)) =>
  decide(aBook(write), aReschedule('g1', times), now);

describe('a pending grant', () => {
  it('may become effective later, its expiry staying where it is', () => {
    const { answer, state } = move(SCHEDULED, { effectiveAt: day(7) });

    expect(answer.grant).toMatchObject({ effectiveAt: day(7), expiresAt: day(9) });
    expect(bookings(advanceTo(state, day(20)).postings)).toEqual(['2026-01-07 ISSUE', '2026-01-09 EXPIRE']);
  });

  it('moved to an instant by now is credit from now on', () => {
    const { answer, postings } = move(SCHEDULED, { effectiveAt: day(2) });

    expect(answer.grant).toMatchObject({ effectiveAt: day(3), bookedAt: day(3) });
    expect(bookings(postings)).toEqual(['2026-01-03 ISSUE']);
  });

  it('moved to now covers advances at now', () => {
    const book = aBook(SCHEDULED, [day(2), aConsumption({ amount: '30', mode: 'CREDIT_ONLY' })]);

    const { state } = decide(book, aReschedule('g1', { effectiveAt: day(3) }), day(3));

    expect(became(state, 'g1')).toEqual({ consumed: '30', remaining: '70' });
  });

  it.each([
    ['effective_at', { effectiveAt: day(9) }],
    ['expires_at', { expiresAt: day(5) }],
    ['expires_at', { effectiveAt: day(7), expiresAt: day(6) }],
  ])('is refused on %s when it would not live', (field, times) => {
    expect(refusalOf(() => move(SCHEDULED, times))).toMatchObject({
      reason: 'INVALID_FIELD',
      metadata: { field },
    });
  });
});

describe('a grant that waits for its payment', () => {
  const WAITING: Write = [day(1), aGrant({ paid: external('ON_SETTLEMENT'), expiry: until(day(9)) })];

  it('told to expire by now lapses at once, as a whole', () => {
    const { answer, postings, state } = move(WAITING, { expiresAt: day(2) });

    expect(answer.grant).toMatchObject({ expiresAt: day(3), phase: 'LAPSED' });
    expect([postings, became(state, 'g1')]).toEqual([[], { expired: '100' }]);
    expect(promiseOf(answer.grant)).toMatchObject({ from: day(1), until: day(3) });
  });

  it('and begins only later cannot expire before that: it is voided instead', () => {
    const { metadata } = refusalOf(() => move(SCHEDULED, { expiresAt: day(2) }));

    expect(metadata['field']).toBe('expires_at');
  });
});

describe('an active grant', () => {
  it.each([
    ['later', day(12), ['2026-01-12 EXPIRE']],
    ['sooner', day(4), ['2026-01-04 EXPIRE']],
    ['never', NEVER, []],
  ])('may expire %s', (_when, expiresAt, booked) => {
    expect(bookings(advanceTo(move(ACTIVE, { expiresAt }).state, day(20)).postings)).toEqual(booked);
  });

  it.each([
    ['now', day(3)],
    ['before now, which means now', day(2)],
    ['before it began, which means now', day(1) - 1],
  ])('told to expire %s expires at once', (_when, expiresAt) => {
    const book = aBook(ACTIVE, [day(2), aConsumption({ amount: '30' })]);

    const { answer, postings, state } = decide(book, aReschedule('g1', { expiresAt }), day(3));

    expect(answer.grant).toMatchObject({ expiresAt: day(3), phase: 'EXPIRED' });
    expect(bookings(postings)).toEqual(['2026-01-03 EXPIRE']);
    expect(became(state, 'g1')).toEqual({ consumed: '30', expired: '70' });
    expect(grantStatus(answer.grant, day(3))).toBe('EXPIRED');
  });

  it('that expired at once still pays for what happened before', () => {
    const { state } = move(ACTIVE, { expiresAt: day(3) });

    const late = decide(state, aConsumption({ amount: '40', bookedAt: day(2) }), day(4));

    expect(became(late.state, 'g1')).toEqual({ consumed: '40', expired: '60' });
    expect(refusalOf(() => decide(state, aConsumption({ bookedAt: day(3) }), day(4))).reason).toBe(
      'INSUFFICIENT_CREDIT',
    );
  });

  it('cannot expire at the instant it became credit', () => {
    const paid = aBook(
      [day(1), aGrant({ paid: external('ON_SETTLEMENT'), expiry: until(day(9)) })],
      [day(3), aPayment('g1', 'SETTLED')],
    );

    expect(refusalOf(() => move([day(3), aGrant()], { expiresAt: day(2) })).metadata['field']).toBe(
      'expires_at',
    );
    expect(refusalOf(() => decide(paid, aReschedule('g1', { expiresAt: day(3) }), day(3))).reason).toBe(
      'INVALID_FIELD',
    );
  });

  it('cannot move what has begun', () => {
    const { reason, metadata } = refusalOf(() => move(ACTIVE, { effectiveAt: day(4) }));

    expect([reason, metadata['id']]).toEqual(['GRANT_NOT_PENDING', 'g1']);
  });

  it('with nothing remaining may be rescheduled all the same', () => {
    const book = aBook(ACTIVE, [day(2), aConsumption({ amount: '100' })]);

    expect(decide(book, aReschedule('g1', { expiresAt: NEVER }), day(3)).changed).toBe(true);
  });
});

describe('a reschedule', () => {
  it('to the times there are is a success that changes nothing', () => {
    expect(move(ACTIVE, { expiresAt: day(9) })).toMatchObject({ changed: false, postings: [] });
  });

  it.each([
    ['GRANT_EXPIRED', () => aBook(ACTIVE), day(9)],
    [
      'GRANT_EXPIRED',
      () => aBook([day(1), aGrant({ paid: invoice('ON_CREATION'), expiry: until(day(9)) })]),
      day(9),
    ],
    ['GRANT_VOIDED', () => aBook(ACTIVE, [day(2), aVoid('g1')]), day(3)],
    ['GRANT_VOIDED', () => aBook(SCHEDULED, [day(2), aVoid('g1')]), day(3)],
    ['GRANT_NOT_FOUND', () => aBook(), day(3)],
  ])('is refused with %s', (reason, book, now) => {
    expect(refusalOf(() => decide(book(), aReschedule('g1', { expiresAt: day(30) }), now))).toMatchObject({
      reason,
      metadata: { id: 'g1' },
    });
  });

  it('changes the burn order from now on, and leaves that of the past', () => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'ending', expiry: until(day(9)) })],
      [day(1), aGrant({ grantId: 'lasting', expiry: until(day(12)) })],
      [day(5), aReschedule('ending', { expiresAt: NEVER })],
    );
    const taken = (bookedAt: number) =>
      slices(decide(book, aConsumption({ bookedAt }), day(6)).answer.collection.allocations);

    expect(taken(day(5) - 1)).toEqual(['ending 10']);
    expect(taken(day(5))).toEqual(['lasting 10']);
    expect(settledUsd(book)).toBe('200');
  });
});
