import { describe, expect, it } from 'vitest';
import { viewNow, viewThen, type GrantView } from '../../src/credit/grant-view.ts';
import { bookingInstant, grantStatus, isOpen, promiseOf, type Grant } from '../../src/credit/grant.ts';
import { NEVER } from '../../src/instant.ts';
import { credits, day, fundingOf, heldGrant, invoice } from '../support/builders.ts';

const scheduled: Grant = heldGrant({
  phase: 'SCHEDULED',
  effectiveAt: day(5),
  bookedAt: null,
  remaining: 0n,
});
const waiting: Grant = { ...scheduled, funding: fundingOf(invoice('ON_CREATION')), fundedAt: NEVER };
const lapsed: Grant = { ...waiting, phase: 'LAPSED', expiresAt: day(9), expired: credits('100') };
const calledOff: Grant = { ...scheduled, phase: 'CALLED_OFF', voidedAt: day(3), voided: credits('100') };
const active: Grant = heldGrant({ effectiveAt: day(5), bookedAt: day(5), expiresAt: day(9) });
const voided: Grant = { ...active, voidedAt: day(7), remaining: 0n, voided: credits('100') };

describe('the status of a grant', () => {
  it.each([
    ['PENDING', scheduled, day(4)],
    ['PENDING', waiting, day(30)],
    ['ACTIVE', active, day(9) - 1],
    ['EXPIRED', active, day(9)],
    ['EXPIRED', lapsed, day(9)],
    ['VOIDED', voided, day(7)],
    ['VOIDED', voided, day(30)],
    ['VOIDED', calledOff, day(3)],
    ['ACTIVE', voided, day(7) - 1],
    ['PENDING', calledOff, day(3) - 1],
  ])('is %s', (status, grant, at) => {
    expect(grantStatus(grant, at)).toBe(status);
  });
});

describe('the promise of a grant', () => {
  it.each([
    ['until it is booked', scheduled, day(5)],
    ['until its expiry, while nobody funds it', { ...waiting, expiresAt: day(9) }, day(9)],
    ['without an end, while nobody funds it', waiting, NEVER],
    ['until it lapsed', lapsed, day(9)],
    ['until it was called off', calledOff, day(3)],
    ['until it was booked, once it is credit', active, day(5)],
    ['until it was booked, voided or not', voided, day(5)],
  ])('holds %s', (_until, grant, until) => {
    expect(promiseOf(grant)).toMatchObject({ from: day(1), until });
  });

  it.each([
    ['booked when it was recorded', heldGrant()],
    ['told late', heldGrant({ recordedAt: day(10), bookedAt: day(5) })],
    ['recorded when it could only lapse', { ...lapsed, recordedAt: day(9) }],
    ['called off at once', { ...calledOff, recordedAt: day(3) }],
  ])('never was one, if the grant was %s', (_how, grant) => {
    expect(promiseOf(grant)).toBeNull();
  });

  it('is kept at the later of the effective instant and the funding', () => {
    expect(bookingInstant({ ...waiting, fundedAt: day(3) })).toBe(day(5));
    expect(bookingInstant({ ...waiting, fundedAt: day(7) })).toBe(day(7));
    expect(bookingInstant(waiting)).toBe(NEVER);
  });
});

describe('a grant is open', () => {
  it.each([
    [scheduled, true],
    [active, true],
    [{ ...active, remaining: 0n, consumed: credits('100') }, false],
    [voided, false],
    [lapsed, false],
    [calledOff, false],
  ])('while it can change by itself or be drawn on: %#', (grant, open) => {
    expect(isOpen(grant)).toBe(open);
  });
});

/** Status and parts of a view, the parts that are zero left out. */
function parts({ grant: _grant, bookedAt: _at, ...rest }: GrantView): object {
  return Object.fromEntries(Object.entries(rest).filter(([, part]) => part !== 0n));
}

describe('a grant as it stood', () => {
  const nothing = { remaining: 0n, forfeited: 0n };
  const all = credits('100');

  it.each([
    ['before it was known', scheduled, day(1) - 1, nothing, { status: null }],
    ['while it was promised', active, day(5) - 1, nothing, { status: 'PENDING', pending: all }],
    [
      'once it was credit',
      active,
      day(5),
      { remaining: all, forfeited: 0n },
      { status: 'ACTIVE', remaining: all },
    ],
    [
      'partly used',
      active,
      day(6),
      { remaining: 1n, forfeited: 0n },
      { status: 'ACTIVE', remaining: 1n, consumed: all - 1n },
    ],
    ['expired', active, day(9), { remaining: 0n, forfeited: all }, { status: 'EXPIRED', expired: all }],
    [
      'voided',
      voided,
      day(9),
      { remaining: 0n, forfeited: 1n },
      { status: 'VOIDED', voided: 1n, consumed: all - 1n },
    ],
    [
      'before it was voided',
      voided,
      day(6),
      { remaining: all, forfeited: 0n },
      { status: 'ACTIVE', remaining: all },
    ],
    ['called off', calledOff, day(3), nothing, { status: 'VOIDED', voided: all }],
    ['lapsed', lapsed, day(9), nothing, { status: 'EXPIRED', expired: all }],
  ])('%s', (_when, grant, at, journal, expected) => {
    expect(parts(viewThen(grant, at, journal))).toEqual(expected);
  });

  it('told late, is nothing before its booking although it was recorded later', () => {
    const late = { ...active, recordedAt: day(20) };

    expect(viewThen(late, day(5) - 1, nothing)).toMatchObject({
      status: null,
      pending: 0n,
      remaining: 0n,
      consumed: 0n,
      expired: 0n,
      voided: 0n,
    });
    expect(viewThen(late, day(5), { remaining: all, forfeited: 0n }).status).toBe('ACTIVE');
  });

  describe('knows nothing of what had not happened yet', () => {
    const paid: Grant = {
      ...voided,
      voidReason: 'called off',
      funding: {
        ...fundingOf(invoice('ON_CREATION', 'SETTLED')),
        issuedAt: day(2),
        authorizedAt: day(3),
        settledAt: day(4),
      },
    };
    const failed: Grant = { ...paid, funding: { ...paid.funding, status: 'FAILED', failedAt: day(6) } };
    const fundingAt = (grant: Grant, at: number) => viewThen(grant, at, nothing).grant.funding;

    it.each([
      ['unpaid', paid, day(2) - 1, null, [null, null, null, null]],
      ['issued', paid, day(2), 'ISSUED', [day(2), null, null, null]],
      ['authorized', paid, day(3), 'AUTHORIZED', [day(2), day(3), null, null]],
      ['settled', paid, day(4), 'SETTLED', [day(2), day(3), day(4), null]],
      ['settled, and not failed yet', failed, day(6) - 1, 'SETTLED', [day(2), day(3), day(4), null]],
      ['failed', failed, day(6), 'FAILED', [day(2), day(3), day(4), day(6)]],
    ] as const)('its payment is %s', (_how, grant, at, status, instants) => {
      const { issuedAt, authorizedAt, settledAt, failedAt, method } = fundingAt(grant, at);

      expect(fundingAt(grant, at).status).toBe(status);
      expect([issuedAt, authorizedAt, settledAt, failedAt]).toEqual(instants);
      expect(method).toBe('INVOICE');
    });

    it('its void has neither instant nor reason before it, and both from then on', () => {
      const voidOf = (at: number) => {
        const { voidedAt, voidReason, bookedAt } = viewThen(paid, at, nothing).grant;
        return [voidedAt, voidReason, bookedAt];
      };

      expect(voidOf(day(5) - 1)).toEqual([null, null, null]);
      expect(voidOf(day(7) - 1)).toEqual([null, null, day(5)]);
      expect(voidOf(day(7))).toEqual([day(7), 'called off', day(5)]);
    });
  });

  it.each<[string, Grant, number, number | null]>([
    ['ahead, while it is promised', scheduled, day(2), day(5)],
    ['never, while its funding is awaited', waiting, day(6), null],
    [
      'when its funding came, if that was later',
      { ...waiting, fundedAt: day(7), bookedAt: day(7), phase: 'CREDIT' },
      day(8),
      day(7),
    ],
    ['unknown before its funding came', { ...waiting, fundedAt: day(7) }, day(6), null],
    ['never, if it expires before', { ...scheduled, expiresAt: day(5) }, day(2), null],
    ['as it was foreseen before it was called off', calledOff, day(3) - 1, day(5)],
    ['never, once it is called off', calledOff, day(3), null],
    ['never, once it has lapsed', lapsed, day(9), null],
    ['when it was booked', active, day(6), day(5)],
    ['ahead of the instant asked about', active, day(5) - 1, day(5)],
  ])('becomes credit %s', (_when, grant, at, bookedAt) => {
    expect(viewThen({ ...grant, recordedAt: day(1) }, at, nothing).bookedAt).toBe(bookedAt);
  });

  it('now, says when it will become credit', () => {
    const bookedNow = [scheduled, waiting, active].map((grant) => viewNow(grant, day(2)).bookedAt);
    expect(bookedNow).toEqual([day(5), null, day(5)]);
  });

  it('now, is what the state says', () => {
    expect(parts(viewNow(active, day(6)))).toEqual({ status: 'ACTIVE', remaining: all });
    expect(parts(viewNow(scheduled, day(2)))).toEqual({ status: 'PENDING', pending: all });
  });
});
