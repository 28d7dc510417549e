import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** A customer has so many open grants and charges, and not one more: LIMIT_REACHED, for that customer alone. */

const { caller } = await testWorld({ maxOpenGrants: 2, maxOpenCharges: 2 });

const reached = { code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED', metadata: { limit: '2' } };
const grant = (customerId: string, more: object = {}) =>
  caller.answer('CreateGrant', grantRequest({ customerId, amount: '10', ...more }));
const noGrant = (customerId: string, more: object = {}) =>
  caller.refusal('CreateGrant', grantRequest({ customerId, amount: '10', ...more }));

describe('open grants', () => {
  test('are bounded, scheduled ones too; each customer has a bound of their own', async () => {
    await grant('full');
    await grant('full', { effectiveAt: at(day(1_000)) });

    expect(await noGrant('full')).toMatchObject(reached);
    expect(await noGrant('full', { effectiveAt: at(day(1_000)) })).toMatchObject(reached);
    await grant('another');
  });

  test('are bounded for adjustments upward, and item by item in a batch', async () => {
    const requests = [1, 2, 3].map(() => grantRequest({ customerId: 'batch', amount: '10' }));
    const { results } = await caller.answer('BatchCreateGrants', { requests });

    expect(results.map((result: { error?: { reason: string } }) => result.error?.reason)).toEqual([
      undefined,
      undefined,
      'LIMIT_REACHED',
    ]);
    const up = { customerId: 'batch', currency: 'USD', amount: '1', reason: 'goodwill' };
    expect(await caller.refusal('CreateAdjustment', up)).toMatchObject(reached);
    await caller.answer('CreateAdjustment', { ...up, amount: '-1' });
  });

  test('that close make room: used up, or voided', async () => {
    await grant('room');
    const second = await grant('room');
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'room', amount: '10' }));
    await grant('room');
    expect(await noGrant('room')).toMatchObject(reached);
    const {
      grant: { id: grantId },
    } = second;
    await caller.answer('VoidGrant', { customerId: 'room', grantId, reason: 'not needed' });
    await grant('room');
  });

  test('a grant that is expired as it is made takes none, and a repeat is answered as before', async () => {
    await grant('past');
    await grant('past', { idempotencyKey: 'second' });

    await grant('past', { effectiveAt: at(day(-9)), expiresAt: at(day(-8)) });
    expect(await grant('past', { idempotencyKey: 'second' })).toMatchObject({ replayed: true });
    expect(await noGrant('past')).toMatchObject(reached);
  });
});

test('open charges are bounded, and make room when they close', async () => {
  const charge = {
    customerId: 'charges',
    type: 'CHARGE_TYPE_FLAT_FEE',
    settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
    currency: 'USD',
    amount: '5',
    name: 'Seat',
  };
  const {
    charge: { id: chargeId },
  } = await caller.answer('CreateCharge', charge);
  await caller.answer('CreateCharge', charge);

  expect(await caller.refusal('CreateCharge', charge)).toMatchObject(reached);
  await caller.answer('CancelCharge', { customerId: 'charges', chargeId });
  await caller.answer('CreateCharge', charge);
});
