import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { causesOf, when } from '../support/timelines.ts';
import { testWorld } from '../support/world.ts';

/** Timelines a person can do in the head. */

const { caller, time } = await testWorld();
const MINUTE = 60_000;

const timeline = (customerId: string, from: number, to: number, more: object = {}): Promise<Json> =>
  caller.answer('GetBalanceTimeline', {
    customerId,
    currencies: ['USD'],
    from: at(from),
    to: at(to),
    ...more,
  });

/** Each point as minutes after `start`, settled, live, pending and its causes, ids left out. */
const told = ({ points }: Json, start: number): readonly (readonly unknown[])[] =>
  points.map((point: Json) => {
    const [{ settled, live, pending }] = point['balances'];
    const causes = causesOf(point).map((cause) => cause.split(' ')[0]);
    return [(when(point) - start) / MINUTE, settled, live, pending, ...causes];
  });

describe('an advance of 5, and 10 promised for a minute from now until the next', () => {
  const expected = [
    [-1, '0', '0', '0'],
    [0, '-5', '-5', '10', 'CHARGE_COLLECTED', 'GRANT_CREATED'],
    [1, '5', '5', '0', 'GRANT_EFFECTIVE'],
    [2, '0', '0', '0', 'GRANT_EXPIRED'],
  ];

  test.each([
    ['as it is foreseen', 0],
    ['half-way', 1],
    ['as it was', 5],
  ])('step at their own instants, %s', async (when_, minutes) => {
    const customerId = `indebted ${when_}`;
    const now = (time.now = day(1));
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '5', ...CREDIT_ONLY }));
    const promise = { effectiveAt: at(now + MINUTE), expiresAt: at(now + 2 * MINUTE) };
    const { grant } = await caller.answer(
      'CreateGrant',
      grantRequest({ customerId, amount: '10', ...promise }),
    );
    time.now = now + minutes * MINUTE;

    const answer = await timeline(customerId, now - MINUTE, now + 9 * MINUTE);
    expect(told(answer, now)).toEqual(expected);
    expect(answer['points'][2].causes).toEqual([
      { cause: 'CHANGE_CAUSE_GRANT_EFFECTIVE', grantId: grant.id },
    ]);
    // What has fallen due is booked by the next write, at its own instants.
    await caller.answer('CreateGrant', grantRequest({ customerId, currency: 'EUR' }));
    expect(told(await timeline(customerId, now - MINUTE, now + 9 * MINUTE), now)).toEqual(expected);
  });
});

describe('an open charge', () => {
  test('weighs on live from its start until its hold ends', async () => {
    const customerId = 'held';
    const now = (time.now = day(2));
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10' }));
    await caller.answer('CreateCharge', {
      customerId,
      currency: 'USD',
      amount: '4',
      type: 'CHARGE_TYPE_FLAT_FEE',
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
      startsAt: at(now + MINUTE),
      holdExpiresAt: at(now + 3 * MINUTE),
    });

    expect(told(await timeline(customerId, now, now + 9 * MINUTE), now)).toEqual([
      [0, '10', '10', '0'],
      [1, '10', '6', '0', 'CHARGE_STARTED'],
      [3, '10', '10', '0', 'HOLD_EXPIRED'],
    ]);
  });

  test('moves live with every report, and settled with what it collects', async () => {
    const customerId = 'metered';
    const now = (time.now = day(2));
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10' }));
    time.now += MINUTE;
    const open = { customerId, currency: 'USD', amount: '1', type: 'CHARGE_TYPE_USAGE_BASED' };
    const { charge } = await caller.answer('CreateCharge', { ...open, ...CREDIT_ONLY });
    const chargeId = charge.id;
    for (const [rpc, more] of [
      ['UpdateCharge', { amount: '6' }],
      ['CollectCharge', { amount: '5' }],
      ['CorrectCharge', { amount: '2' }],
      ['CancelCharge', {}],
    ] as const) {
      time.now += MINUTE;
      await caller.answer(rpc, { customerId, chargeId, ...more });
    }

    expect(told(await timeline(customerId, now, now + 9 * MINUTE), now)).toEqual([
      [0, '10', '10', '0'],
      [1, '10', '9', '0', 'CHARGE_CREATED'],
      [2, '10', '4', '0', 'CHARGE_UPDATED'],
      [3, '5', '4', '0', 'CHARGE_COLLECTED'],
      [4, '7', '4', '0', 'CHARGE_CORRECTED'],
      [5, '7', '7', '0', 'CHARGE_CANCELED'],
    ]);
  });
});

test('a reschedule moves live where it changes which credit an open charge would take', async () => {
  const customerId = 'reordered';
  const now = (time.now = day(2));
  const grant = async (featureKeys: string[], expiresAt: number) =>
    (
      await caller.answer(
        'CreateGrant',
        grantRequest({ customerId, amount: '5', featureKeys, expiresAt: at(expiresAt) }),
      )
    )['grant'].id;
  const charge = (featureKey: string) =>
    caller.answer('CreateCharge', {
      customerId,
      currency: 'USD',
      amount: '5',
      featureKey,
      type: 'CHARGE_TYPE_FLAT_FEE',
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
    });
  const onlyForA = await grant(['a'], day(10));
  await grant(['a', 'b'], day(20));
  await charge('a');
  await charge('b');
  time.now += MINUTE;
  // From now on the charge for `a` takes first what the one for `b` needs.
  await caller.answer('RescheduleGrant', { customerId, grantId: onlyForA, expiresAt: at(day(30)) });
  time.now += MINUTE;

  const answer = await timeline(customerId, now, now + 9 * MINUTE);
  expect(told(answer, now)).toEqual([
    [0, '10', '0', '0'],
    [1, '10', '5', '0', 'GRANT_RESCHEDULED'],
  ]);
  expect(answer['points'][1].causes[0].grantId).toBe(onlyForA);
});

test('what makes a promise credit, or ends it, is told by what it was', async () => {
  const customerId = 'promised';
  const now = (time.now = day(3));
  const grant = async (more: object) =>
    (await caller.answer('CreateGrant', grantRequest({ customerId, amount: '1', ...more })))['grant'].id;
  const funding = {
    method: 'FUNDING_METHOD_EXTERNAL',
    purchaseCurrency: 'USD',
    availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
  };
  const paid = await grant({ funding });
  await grant({ funding, expiresAt: at(now + 4 * MINUTE) });
  const voided = await grant({ effectiveAt: at(now + 8 * MINUTE) });
  const moved = await grant({ effectiveAt: at(now + 8 * MINUTE) });
  time.now += MINUTE;
  await caller.answer('VoidGrant', { customerId, grantId: voided });
  time.now += MINUTE;
  await caller.answer('RescheduleGrant', { customerId, grantId: moved, effectiveAt: at(now + 3 * MINUTE) });
  time.now += 3 * MINUTE;
  const status = 'SETTLEMENT_STATUS_SETTLED';
  await caller.answer('UpdateGrantSettlement', { customerId, grantId: paid, status });
  time.now += MINUTE;
  await caller.answer('CreateAdjustment', { customerId, currency: 'USD', amount: '-1' });
  time.now += MINUTE;
  // Told late.
  await caller.answer(
    'CreateGrant',
    grantRequest({ customerId, amount: '1', effectiveAt: at(now - MINUTE) }),
  );

  expect(told(await timeline(customerId, now - 2 * MINUTE, now + 20 * MINUTE), now)).toEqual([
    [-2, '0', '0', '0'],
    [-1, '1', '1', '0', 'GRANT_CREATED'],
    [0, '1', '1', '4', 'GRANT_CREATED', 'GRANT_CREATED', 'GRANT_CREATED', 'GRANT_CREATED'],
    [1, '1', '1', '3', 'GRANT_VOIDED'],
    [3, '2', '2', '2', 'GRANT_EFFECTIVE'],
    [4, '2', '2', '1', 'GRANT_EXPIRED'],
    [5, '3', '3', '0', 'GRANT_SETTLEMENT_UPDATED'],
    [6, '2', '2', '0', 'ADJUSTED'],
  ]);
});

test('only what is asked about steps: a currency, a scope, a part', async () => {
  const customerId = 'narrow';
  const now = (time.now = day(4));
  const grant = (more: object) =>
    caller.answer('CreateGrant', grantRequest({ customerId, amount: '1', ...more }));
  time.now += MINUTE;
  await grant({ currency: 'EUR' });
  time.now += MINUTE;
  await grant({ featureKeys: ['a'] });
  time.now += MINUTE;
  await grant({ effectiveAt: at(now + 9 * MINUTE) });
  const instants = async (more: object) =>
    (await timeline(customerId, now, now + 20 * MINUTE, more))['points'].map(
      (point: Json) => (when(point) - now) / MINUTE,
    );

  expect(await instants({})).toEqual([0, 2, 3, 9]);
  expect(await instants({ currencies: [] })).toEqual([0, 1, 2, 3, 9]);
  expect(await instants({ featureFilter: { unrestricted: true } })).toEqual([0, 3, 9]);
  expect(await instants({ parts: ['BALANCE_PART_SETTLED'] })).toEqual([0, 2, 9]);
  expect(await instants({ parts: ['BALANCE_PART_LIVE'] })).toEqual([0, 2, 9]);
  expect(await instants({ parts: ['BALANCE_PART_PENDING'] })).toEqual([0, 3, 9]);
});

describe('a window with more points than asked for', () => {
  const customerId = 'busy';
  const now = day(5);

  test('says so, and keeps its ends and extremes', async () => {
    time.now = now;
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '100' }));
    for (let i = 0; i < 40; i++) {
      time.now += MINUTE;
      await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: i === 17 ? '60' : '1' }));
      if (i === 19) await caller.answer('CreateGrant', grantRequest({ customerId, amount: '59' }));
    }
    const whole = await timeline(customerId, now, now + 60 * MINUTE);
    const thin = await timeline(customerId, now, now + 60 * MINUTE, { maxPoints: 9 });

    expect([whole['points'].length, whole['totalPoints'], whole['thinned']]).toEqual([41, '41', undefined]);
    expect([thin['points'].length, thin['totalPoints'], thin['thinned']]).toEqual([9, '41', true]);
    expect(whole['points']).toEqual(expect.arrayContaining(thin['points']));
    const settled = ({ points }: Json) => points.map(({ balances }: Json) => Number(balances[0].settled));
    for (const extreme of [Math.min, Math.max])
      expect(extreme(...settled(thin))).toBe(extreme(...settled(whole)));
    expect([thin['points'][0], thin['points'].at(-1)]).toEqual([whole['points'][0], whole['points'].at(-1)]);
  });
});

test('a customer nobody has written about stands at nothing', async () => {
  const answer = await timeline('nobody', day(1), day(2));

  expect(told(answer, day(1))).toEqual([[0, '0', '0', '0']]);
  expect(answer['totalPoints']).toBe('1');
});

test('a window that ends before it begins is refused', async () => {
  expect(
    (await caller.refusal('GetBalanceTimeline', { customerId: 'ada', from: at(day(2)), to: at(day(1)) }))
      .code,
  ).toBe('INVALID_ARGUMENT');
});
