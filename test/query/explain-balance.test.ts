import { beforeAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { neighbour } from '../support/neighbours.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** What somebody reads who asks where a balance comes from. */

const { caller, sql, time } = await testWorld();

const explain = (request: object): Promise<Json> =>
  caller.answer('ExplainBalance', { customerId: 'ada', currency: 'USD', ...request });

const grant = (name: string, more: object = {}) =>
  caller.answer('CreateGrant', grantRequest({ name, ...more }));
const unpaid = {
  method: 'FUNDING_METHOD_INVOICE',
  purchaseCurrency: 'USD',
  availabilityPolicy: 'AVAILABILITY_POLICY_ON_CREATION',
};

/** Each grant as `name settled pending [reason]`, in the order told. */
const told = ({ grants = [] }: Json): readonly string[] =>
  grants.map(({ name, exclusion, settledAmount, pendingAmount }: Json) =>
    [name, settledAmount, pendingAmount, exclusion?.replace('EXCLUSION_REASON_', '')]
      .filter(Boolean)
      .join(' '),
  );

beforeAll(async () => {
  time.now = day(1);
  await grant('welcome', { amount: '10', priority: 20 });
  await grant('for support', { amount: '7', featureKeys: ['support'] });
  await grant('gone tomorrow', { amount: '3', expiresAt: at(day(2)) });
  const voided = await grant('a mistake', { amount: '5' });
  await caller.answer('VoidGrant', { customerId: 'ada', grantId: voided['grant'].id });
  await grant('used up', { amount: '4', priority: 1 });
  await caller.answer('ConsumeCredits', spendRequest({ amount: '4' }));
  await grant('next month', { amount: '6', effectiveAt: at(day(31)) });
  await grant('unpaid', { amount: '8', funding: unpaid });
  await grant('next week', { amount: '2', effectiveAt: at(day(8)) });
  await grant('first', { amount: '1', priority: 5 });
  // Nothing of what follows is told of Ada's dollars.
  for (const other of [{ currency: 'EUR' }, { customerId: neighbour('ada', 1) }]) {
    await grant('another', other);
    await grant('another, for next week', { ...other, effectiveAt: at(day(8)) });
    await grant('another, gone tomorrow', { ...other, expiresAt: at(day(2)) });
  }
  time.now = day(3);
});

describe('the grants of a customer', () => {
  test('come in burn order, then the promised as they take effect, then the rest by reason', async () => {
    const explained = await explain({});

    expect(explained['balance']).toEqual({ currency: 'USD', settled: '18', live: '18', pending: '16' });
    expect(told(explained)).toEqual([
      'first 1 0',
      'for support 7 0',
      'welcome 10 0',
      'next week 0 2 NOT_YET_EFFECTIVE',
      'next month 0 6 NOT_YET_EFFECTIVE',
      'unpaid 0 8 AWAITING_SETTLEMENT',
      'used up 0 0 EXHAUSTED',
      'gone tomorrow 0 0 EXPIRED',
      'a mistake 0 0 VOIDED',
    ]);
    expect(explained).not.toHaveProperty('moreExcludedGrants');
  });

  test('outside the feature asked about say so, whatever else is true of them', async () => {
    const explained = await explain({ featureFilter: { unrestricted: true } });

    expect(explained['balance'].settled).toBe('11');
    expect(told(explained)).toContain('for support 0 0 FEATURE_MISMATCH');
  });

  test('say when they count, and what they were granted as', async () => {
    const { grants } = await explain({});

    expect(grants.find(({ name }: Json) => name === 'gone tomorrow')).toEqual({
      name: 'gone tomorrow',
      grantId: expect.stringMatching(/^grt_/),
      exclusion: 'EXCLUSION_REASON_EXPIRED',
      settledAmount: '0',
      pendingAmount: '0',
      amount: '3',
      priority: 10,
      effectiveAt: at(day(1)).replace('.000', ''),
      expiresAt: at(day(2)).replace('.000', ''),
    });
  });

  test('are told as they stood in the past, and as they will stand', async () => {
    expect(told(await explain({ asOf: at(day(1)) }))).toContain('gone tomorrow 3 0');
    const ahead = told(await explain({ asOf: at(day(31)) }));
    expect(ahead).toContain('next month 6 0');
    expect(ahead).toContain('unpaid 0 8 AWAITING_SETTLEMENT');
    expect(await explain({ asOf: at(day(1) - 1) })).not.toHaveProperty('grants');
  });

  test('are not taken into account for a part that is not asked for', async () => {
    const settled = await explain({ parts: ['BALANCE_PART_SETTLED'] });
    expect(settled['balance']).toEqual({ currency: 'USD', settled: '18' });
    expect(told(settled)).toContain('next week 0 NOT_YET_EFFECTIVE');
    const pending = await explain({ parts: ['BALANCE_PART_PENDING'] });
    expect(told(pending)).toEqual([
      'next week 2 NOT_YET_EFFECTIVE',
      'next month 6 NOT_YET_EFFECTIVE',
      'unpaid 8 AWAITING_SETTLEMENT',
    ]);
  });
});

describe('debts and open charges', () => {
  const customerId = 'bob';
  const charge = (name: string, more: object) =>
    caller.answer('CreateCharge', {
      customerId,
      currency: 'USD',
      type: 'CHARGE_TYPE_FLAT_FEE',
      name,
      ...more,
    });
  const prepaid = { settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY' };

  beforeAll(async () => {
    await caller.answer(
      'ConsumeCredits',
      spendRequest({ customerId, amount: '5', name: 'a debt', ...CREDIT_ONLY }),
    );
    await grant('for support', { customerId, amount: '3', featureKeys: ['support'] });
    await grant('only for a', { customerId, amount: '2', featureKeys: ['a'] });
    await charge('seats', { ...prepaid, amount: '4', featureKey: 'support' });
    await charge('usage', { ...CREDIT_ONLY, amount: '6', featureKey: 'a' });
    await charge('later', { ...prepaid, amount: '1', startsAt: at(day(9)) });
    await charge('held', { ...prepaid, amount: '1', holdExpiresAt: at(day(3) + 1_000) });
    time.now = day(3) + 1_000;
  });

  test('show what each takes, from which grant, and why one takes nothing', async () => {
    const { balance, grants, advances, charges } = await explain({ customerId });
    const idOf = (name: string) => grants.find((own: Json) => own['name'] === name).grantId;

    expect(balance).toEqual({ currency: 'USD', settled: '0', live: '-9', pending: '0' });
    expect(advances).toMatchObject([{ name: 'a debt', settledAmount: '-5', amount: '5' }]);
    expect(
      charges.map(({ name, exclusion = '', liveAmount, allocations = [], uncoveredAmount }: Json) => [
        name,
        exclusion,
        liveAmount,
        allocations,
        uncoveredAmount,
      ]),
    ).toEqual([
      ['seats', '', '-3', [{ grantId: idOf('for support'), amount: '3' }], '0'],
      ['usage', '', '-6', [{ grantId: idOf('only for a'), amount: '2' }], '4'],
      ['held', 'EXCLUSION_REASON_HOLD_EXPIRED', '0', [], '0'],
      ['later', 'EXCLUSION_REASON_NOT_YET_STARTED', '0', [], '0'],
    ]);
  });

  test('outside the feature asked about say so', async () => {
    const { charges } = await explain({ customerId, featureFilter: { featureKey: 'support' } });

    expect(charges[1]).toMatchObject({ name: 'usage', exclusion: 'EXCLUSION_REASON_FEATURE_MISMATCH' });
  });
});

test('a customer nobody has written about has a balance of nothing, made of nothing', async () => {
  const { version: _, ...explained } = await explain({ customerId: 'nobody' });

  expect(explained['balance']).toEqual({ currency: 'USD', settled: '0', live: '0', pending: '0' });
  expect(explained).not.toHaveProperty('grants');
});

test('a currency there is not is refused', async () => {
  expect(await caller.refusal('ExplainBalance', { customerId: 'ada', currency: 'XXQ' })).toMatchObject({
    reason: 'UNKNOWN_CURRENCY',
    metadata: { field: 'currency' },
  });
});

describe('a customer with a long past', () => {
  const customerId = 'methuselah';
  const PAST = 1_500;

  beforeAll(async () => {
    time.now = day(10);
    await grant('still there', { customerId, amount: '10' });
    for (let made = 0; made < PAST; made += 500) {
      const requests = Array.from({ length: 500 }, (_, i) =>
        grantRequest({ customerId, name: `old ${made + i}`, amount: '1', expiresAt: at(day(11)) }),
      );
      await caller.answer('BatchCreateGrants', { requests });
    }
    time.now = day(12);
    await grant('new', { customerId, amount: '10' });
  });

  test('is told all that counts, of the rest the 1,000 newest, and that there is more', async () => {
    const explained = await explain({ customerId });

    expect(told(explained).slice(0, 2)).toEqual(['still there 10 0', 'new 10 0']);
    expect(told(explained)).toHaveLength(1_002);
    expect(told(explained)[2]).toBe(`old ${PAST - 1} 0 0 EXPIRED`);
    expect(explained['moreExcludedGrants']).toBe(true);
  });

  test('is told all of it where it counted', async () => {
    const explained = await explain({ customerId, asOf: at(day(10)) });

    expect(told(explained)).toHaveLength(PAST + 1);
    expect(explained).not.toHaveProperty('moreExcludedGrants');
  });
});

test('addends that do not come to the figure are a fault, not an answer', async () => {
  const customerId = 'broken';
  await grant('a grant', { customerId, amount: '10' });
  time.now += 1_000;
  await grant('another', { customerId, amount: '10' });
  await sql.rows(
    `update grants set closed_version = 1, span_class = 1 where id in (select id from grants where book_id in
       (select id from books where customer_id = $1) order by id limit 1)`,
    [customerId],
  );

  const past = at(time.now - 500);
  expect(await caller.answer('GetBalance', { customerId, asOf: past })).toMatchObject({
    balances: [{ settled: '10' }],
  });
  expect((await caller.refusal('ExplainBalance', { customerId, currency: 'USD', asOf: past })).code).toBe(
    'INTERNAL',
  );
});
