import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';
import { fundedBy, replayOf } from './repeating.ts';

/** A repeat is told by what it means (domain.md §14), not by how it is spelled. */

const { caller } = await testWorld();

const funded = () => fundedBy(caller);

describe('the same key with the same meaning in another spelling is the same request', () => {
  const funding = { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'EUR' };
  test.each<[what: string, rpc: string, first: object, again: object]>([
    ['zeros at the end of an amount', 'CreateGrant', { amount: '1' }, { amount: '1.00' }],
    ['zeros in front of an amount', 'CreateGrant', { amount: '0.5' }, { amount: '00.50' }],
    ['a default that is spelled out', 'CreateGrant', {}, { priority: 10 }],
    ['a default that is left out', 'CreateGrant', { priority: 10 }, {}],
    ['funding by nobody', 'CreateGrant', {}, { funding: { method: 'FUNDING_METHOD_NONE' } }],
    [
      'funding with its defaults',
      'CreateGrant',
      { funding },
      {
        funding: {
          ...funding,
          perUnitCostBasis: '1.0',
          availabilityPolicy: 'AVAILABILITY_POLICY_ON_CREATION',
        },
      },
    ],
    [
      'feature keys in another order',
      'CreateGrant',
      { featureKeys: ['a', 'b'] },
      { featureKeys: ['b', 'a'] },
    ],
    [
      'labels in another order',
      'CreateGrant',
      { labels: { a: '1', b: '2' } },
      { labels: { b: '2', a: '1' } },
    ],
    [
      'an instant beyond milliseconds',
      'CreateGrant',
      { effectiveAt: '2026-01-01T00:00:00.123Z' },
      { effectiveAt: '2026-01-01T00:00:00.123400Z' },
    ],
    [
      'an instant of another time zone',
      'CreateGrant',
      { effectiveAt: '2026-01-01T00:00:00Z' },
      { effectiveAt: '2026-01-01T01:00:00+01:00' },
    ],
    ['a year as months', 'CreateGrant', { expiresAfter: 'P1Y' }, { expiresAfter: 'P12M' }],
    ['a week as days', 'CreateGrant', { expiresAfter: 'P1W' }, { expiresAfter: 'P7D' }],
    [
      'the default settlement mode',
      'ConsumeCredits',
      { amount: '1' },
      { amount: '1.0', settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY' },
    ],
  ])('%s', async (_what, rpc, first, again) => {
    const { customerId } = await funded();
    const request = rpc === 'CreateGrant' ? grantRequest : spendRequest;
    const answer = await caller.answer(rpc, request({ customerId, idempotencyKey: 'k', ...first }));

    expect(await caller.answer(rpc, request({ customerId, idempotencyKey: 'k', ...again }))).toEqual(
      replayOf(answer),
    );
  });

  test('to post by hand, amounts within entries included', async () => {
    const { customerId } = await funded();
    const entries = (amount: string) => [
      { accountType: 'ACCOUNT_TYPE_WASH', currency: 'USD', amount: `-${amount}` },
      { accountType: 'ACCOUNT_TYPE_BROKERAGE', currency: 'USD', amount },
    ];
    const post = (amount: string) => ({ customerId, idempotencyKey: 'k', entries: entries(amount) });
    const first = await caller.answer('PostTransaction', post('10'));

    expect(await caller.answer('PostTransaction', post('10.00'))).toEqual(replayOf(first));
    expect((await caller.refusal('PostTransaction', post('11'))).metadata['field']).toBe('entries');
  });

  test('to void, with no payment adjustment', async () => {
    const given = await funded();
    const first = await caller.answer('VoidGrant', { ...given, idempotencyKey: 'k' });
    const again = { ...given, idempotencyKey: 'k', paymentAdjustment: 'PAYMENT_ADJUSTMENT_NONE' };

    expect(await caller.answer('VoidGrant', again)).toEqual(replayOf(first));
  });

  test.each<[what: string, field: string, first: object, again: object]>([
    ['an instant left out, which means now', 'effective_at', {}, { effectiveAt: at(day(1)) }],
    ['a day and 24 hours', 'expires_after', { expiresAfter: 'P1D' }, { expiresAfter: 'PT24H' }],
  ])('%s, and spelled out, are not', async (_what, field, first, again) => {
    const { customerId } = await funded();
    const request = (more: object) => grantRequest({ customerId, idempotencyKey: 'k', ...more });
    await caller.answer('CreateGrant', request(first));

    expect((await caller.refusal('CreateGrant', request(again))).metadata['field']).toBe(field);
  });
});
