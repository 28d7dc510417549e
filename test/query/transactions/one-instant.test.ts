import { expect, test } from 'vitest';
import { day } from '../../support/builders.ts';
import { neighbour } from '../../support/neighbours.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { transactionsOf, walk } from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** What happens at one instant: which of it is one row, in which order, and how pages cut through it. */

const world = await testWorld();
const { caller, time } = world;
const transactions = transactionsOf(world);
const HOUR = 3_600_000;

/** Oldest first: type, amount, settled after it, hours since the first day began; the same in pages, both ways. */
async function told(customerId: string, more: object = {}) {
  const rows = await transactions.rows({ customerId, ...more });
  const { forward, back } = await walk(transactions, { customerId, ...more, pageSize: 1 });
  expect(forward).toEqual(rows);
  expect(back).toEqual(rows);
  return rows.toReversed().map(shown);
}
const shown = ({ type, amount, balanceAfter, bookedAt }: Json) =>
  [
    String(type).replace('TRANSACTION_TYPE_', ''),
    amount,
    balanceAfter,
    (Date.parse(bookedAt) - day(1)) / HOUR,
  ] as const;

/** On the first day 10 are granted, for ten hours, and 4 of them spent an hour later. */
async function spent(customerId: string): Promise<{ grantId: string; chargeId: string }> {
  time.now = day(1);
  const expiresAt = at(day(1) + 10 * HOUR);
  const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10', expiresAt }));
  time.now += HOUR;
  const { charge } = await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '4' }));
  return { grantId: grant.id, chargeId: charge.id };
}

const correct = (customerId: string, chargeId: string, amount: string) =>
  caller.answer('CorrectCharge', { customerId, chargeId, amount });

test('credit given back at the very instant its grant expires, expires in a row of its own', async () => {
  const { chargeId } = await spent('ann');
  time.now = day(1) + 10 * HOUR;
  await correct('ann', chargeId, '4');

  expect(await told('ann')).toEqual([
    ['FUNDED', '10', '10', 0],
    ['CONSUMED', '-4', '6', 1],
    ['EXPIRED', '-6', '0', 10],
    ['CORRECTED', '4', '4', 10],
    ['EXPIRED', '-4', '0', 10],
  ]);
  // A spend told later, from before the expiry, takes from what expired then; what was given back stays as it was.
  time.now += HOUR;
  await caller.answer(
    'ConsumeCredits',
    spendRequest({ customerId: 'ann', amount: '1', bookedAt: at(day(1) + 2 * HOUR) }),
  );
  expect(await told('ann')).toEqual([
    ['FUNDED', '10', '10', 0],
    ['CONSUMED', '-4', '6', 1],
    ['CONSUMED', '-1', '5', 2],
    ['EXPIRED', '-5', '0', 10],
    ['CORRECTED', '4', '4', 10],
    ['EXPIRED', '-4', '0', 10],
  ]);
});

test('each of two corrections at one instant has its own row, and so has what is forfeited of it', async () => {
  const { chargeId } = await spent('ben');
  time.now = day(1) + 12 * HOUR;
  await correct('ben', chargeId, '1');
  const first = await told('ben');
  await correct('ben', chargeId, '2');

  expect(await told('ben')).toEqual([...first, ['CORRECTED', '2', '2', 12], ['EXPIRED', '-2', '0', 12]]);
  expect(first.slice(-2)).toEqual([
    ['CORRECTED', '1', '1', 12],
    ['EXPIRED', '-1', '0', 12],
  ]);
});

test('an expiry is one row, less what is spent from before it later; nothing once all of it is', async () => {
  await spent('cyd');
  time.now = day(1) + 12 * HOUR;
  const late = (amount: string) =>
    caller.answer(
      'ConsumeCredits',
      spendRequest({ customerId: 'cyd', amount, bookedAt: at(day(1) + 9 * HOUR) }),
    );
  const expiries = async () =>
    (await told('cyd', { types: ['TRANSACTION_TYPE_EXPIRED'] })).map((row) => row[1]);

  expect(await expiries()).toEqual(['-6']);
  await late('1');
  await late('2');
  expect(await expiries()).toEqual(['-3']);
  await late('3');
  expect(await expiries()).toEqual([]);
  expect((await told('cyd')).at(-1)).toEqual(['CONSUMED', '-3', '0', 9]);
});

test('credit paid after its own expiry shows no row', async () => {
  time.now = day(1);
  const funding = {
    method: 'FUNDING_METHOD_EXTERNAL',
    purchaseCurrency: 'USD',
    availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
  };
  const expiresAt = at(day(1) + HOUR);
  const request = grantRequest({ customerId: 'dan', funding, expiresAt });
  const { grant } = await caller.answer('CreateGrant', request);
  time.now = day(2);
  const paid = { customerId: 'dan', grantId: grant.id, status: 'SETTLEMENT_STATUS_SETTLED' };
  await caller.answer('UpdateGrantSettlement', paid);

  expect(await told('dan')).toEqual([]);
});

/** Two advances of one charge and one of another, then unrestricted credit for all of them, from an hour ahead on. */
async function indebted(customerId: string): Promise<void> {
  time.now = day(1);
  const terms = { customerId, currency: 'USD', featureKey: 'a', ...CREDIT_ONLY };
  const { charge } = await caller.answer('CreateCharge', {
    ...terms,
    amount: '5',
    type: 'CHARGE_TYPE_FLAT_FEE',
  });
  await caller.answer('CollectCharge', { customerId, chargeId: charge.id, amount: '2' });
  await caller.answer('CollectCharge', { customerId, chargeId: charge.id, amount: '3' });
  await caller.answer('ConsumeCredits', spendRequest({ ...terms, amount: '1' }));
  const effectiveAt = at(day(1) + HOUR);
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10', effectiveAt }));
}

test('coverings of one charge at one instant are one row, foreseen, due and booked, where only they show', async () => {
  await indebted('eve');
  const there = { featureFilter: { unrestricted: true } };
  const rows = [
    ['FUNDED', '10', '10', 1],
    ['CONSUMED', '-5', '5', 1],
    ['CONSUMED', '-1', '4', 1],
  ];

  expect(await told('eve', { ...there, asOf: at(day(1) + HOUR) })).toEqual(rows);
  time.now = day(1) + HOUR;
  expect(await told('eve', there)).toEqual(rows);
  await caller.answer('CreateGrant', grantRequest({ customerId: 'eve', currency: 'EUR' }));
  expect(await told('eve', { ...there, currency: 'USD' })).toEqual(rows);
  // Where the advances count too, covering them changes nothing.
  expect((await told('eve', { currency: 'USD' })).filter((row) => row[3] === 1)).toEqual([
    ['FUNDED', '10', '4', 1],
  ]);
});

test('coverings of one charge by two grants at one instant are two rows', async () => {
  time.now = day(1);
  const of = { customerId: 'fred', featureKey: 'a', ...CREDIT_ONLY };
  await caller.answer('ConsumeCredits', spendRequest({ ...of, amount: '5' }));
  for (const priority of [1, 2]) {
    const request = { customerId: 'fred', amount: '3', priority, effectiveAt: at(day(1) + HOUR) };
    await caller.answer('CreateGrant', grantRequest(request));
  }
  const rows = [
    ['FUNDED', '3', '3', 1],
    ['CONSUMED', '-3', '0', 1],
    ['FUNDED', '3', '3', 1],
    ['CONSUMED', '-2', '1', 1],
  ];
  const there = { featureFilter: { unrestricted: true }, currency: 'USD' };

  expect(await told('fred', { ...there, asOf: at(day(1) + HOUR) })).toEqual(rows);
  time.now = day(1) + HOUR;
  await caller.answer('CreateGrant', grantRequest({ customerId: 'fred', currency: 'EUR' }));
  expect(await told('fred', there)).toEqual(rows);
});

test.each([0, 1])(
  'what an adjustment takes from several grants is one row, whatever neighbour %i does alike',
  async (i) => {
    time.now = day(3);
    for (const customerId of [0, 1].map((n) => neighbour(`gil ${i}`, n))) {
      for (const amount of ['5', '6'])
        await caller.answer('CreateGrant', grantRequest({ customerId, amount }));
      time.now += HOUR;
      const down = { customerId, currency: 'USD', amount: '-8', reason: 'too much' };
      await caller.answer('CreateAdjustment', down);
      time.now = day(3);
    }

    expect((await told(neighbour(`gil ${i}`, i))).map((row) => row.slice(0, 3))).toEqual([
      ['FUNDED', '5', '5'],
      ['FUNDED', '6', '11'],
      ['ADJUSTED', '-8', '3'],
    ]);
  },
);

test.each([1, 2, 3])(
  'a forecast in pages of %i stays as it was for its first, whatever is written in between',
  async (pageSize) => {
    time.now = day(1);
    const [customerId, ahead] = [`fay ${pageSize}`, at(day(2))];
    const promise = (name: string) =>
      caller.answer('CreateGrant', grantRequest({ customerId, name, effectiveAt: ahead }));
    for (const name of ['1', '2', '3', '4', '5']) await promise(name);
    const rows = await transactions.rows({ customerId, asOf: ahead });
    // The instant foreseen comes and goes, and is booked, before the last page is asked for.
    const grow = async () => {
      time.now += 10 * HOUR;
      await promise('another');
    };

    const { forward, back } = await walk(transactions, { customerId, asOf: ahead, pageSize }, grow);
    expect(rows.map(({ name }) => name)).toEqual(['5', '4', '3', '2', '1']);
    expect(forward).toEqual(rows);
    expect(back).toEqual(rows);
    expect(await transactions.rows({ customerId, asOf: ahead })).not.toEqual(rows);
  },
);
