import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { stateOf } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';
import { fundedBy, newCustomer, replayOf, WRITES } from './repeating.ts';

/** Law 5: repeating is always safe. */

const { caller, sql, time, another } = await testWorld();
const neighbour = await another();

const funded = () => fundedBy(caller);

describe.each(Object.entries(WRITES))('%s, sent twice with the same key', (rpc, write) => {
  test('gives the same answer in everything but replayed, and leaves the same state', async () => {
    const request = { ...write(await funded()), ...(!rpc.startsWith('Batch') && { idempotencyKey: 'k' }) };
    const first = await caller.answer(rpc, request);
    const state = await stateOf(sql);

    expect(await caller.answer(rpc, request)).toEqual(replayOf(first));
    expect(await stateOf(sql)).toEqual(state);
  });

  test('still gives it when time has passed, the book has changed, and another instance is asked', async () => {
    const given = await funded();
    const request = { ...write(given), ...(!rpc.startsWith('Batch') && { idempotencyKey: 'k' }) };
    const first = await caller.answer(rpc, request);
    time.now += 3_600_000;
    await caller.answer('CreateGrant', grantRequest({ customerId: given.customerId, amount: '7' }));
    await caller.answer('ConsumeCredits', spendRequest({ customerId: given.customerId, ...CREDIT_ONLY }));
    const state = await stateOf(sql);

    expect(await neighbour.answer(rpc, request)).toEqual(replayOf(first));
    expect(await stateOf(sql)).toEqual(state);
  });
});

describe('the same key with other content is refused, naming the first field that differs', () => {
  test.each<[rpc: string, field: string, other: object]>([
    ['CreateGrant', 'name', { name: 'another' }],
    ['CreateGrant', 'description', { description: '' }],
    ['CreateGrant', 'labels', { labels: { plan: 'free' } }],
    ['CreateGrant', 'currency', { currency: 'EUR' }],
    ['CreateGrant', 'amount', { amount: '100.01' }],
    ['CreateGrant', 'priority', { priority: 6 }],
    ['CreateGrant', 'feature_keys', { featureKeys: ['a'] }],
    ['CreateGrant', 'effective_at', { effectiveAt: at(day(1)) }],
    ['CreateGrant', 'expires_at', { expiresAt: at(day(4)) }],
    ['CreateGrant', 'expires_at', { expiresAt: undefined, expiresAfter: 'P1D' }],
    ['CreateGrant', 'funding', { funding: undefined }],
    ['CreateGrant', 'tax', { tax: { code: 'GST' } }],
    ['CreateGrant', 'name', { tax: undefined, amount: '1', name: 'another' }],
    ['ConsumeCredits', 'currency', { currency: 'EUR' }],
    ['ConsumeCredits', 'amount', { amount: '1' }],
    ['ConsumeCredits', 'feature_key', { featureKey: undefined }],
    ['ConsumeCredits', 'settlement_mode', { settlementMode: undefined }],
    ['ConsumeCredits', 'booked_at', { bookedAt: undefined }],
    ['ConsumeCredits', 'name', { name: 'another' }],
    ['ConsumeCredits', 'labels', { labels: undefined }],
    ['ConsumeCredits', 'tax', { tax: { code: 'GST' } }],
    ['ConsumeCredits', 'currency', { tax: undefined, amount: '1', currency: 'EUR' }],
    ['VoidGrant', 'grant_id', { grantId: `grt_${'0'.repeat(32)}` }],
    ['VoidGrant', 'reason', { reason: 'another' }],
    ['VoidGrant', 'payment_adjustment', { paymentAdjustment: 'PAYMENT_ADJUSTMENT_RELEASE_UNPAID' }],
  ])('%s, %s', async (rpc, field, other) => {
    const request = { ...WRITES[rpc]!(await funded()), idempotencyKey: 'k' };
    await caller.answer(rpc, request);
    const state = await stateOf(sql);

    expect(await caller.refusal(rpc, { ...request, ...other })).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'IDEMPOTENCY_KEY_REUSED',
      metadata: { key: 'k', field },
    });
    expect(await stateOf(sql)).toEqual(state);
  });

  test('and so is the same key on another call', async () => {
    const { customerId } = await funded();
    await caller.answer('CreateGrant', grantRequest({ customerId, idempotencyKey: 'k' }));

    expect(
      await caller.refusal('ConsumeCredits', spendRequest({ customerId, idempotencyKey: 'k' })),
    ).toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED', metadata: { key: 'k', field: 'method' } });
  });
});

describe('a key', () => {
  test('belongs to one customer of one namespace', async () => {
    const customerId = newCustomer();
    const others = [{ customerId }, { customerId, namespace: 'other' }, { customerId: newCustomer() }];
    const answers = await Promise.all(
      others.map((other) => caller.answer('CreateGrant', grantRequest({ ...other, idempotencyKey: 'k' }))),
    );

    expect(answers.map(({ replayed }) => replayed ?? false)).toEqual([false, false, false]);
    expect(new Set(answers.map(({ grant }) => grant.id)).size).toBe(3);
  });

  test('of a namespace left out is that of the default namespace', async () => {
    const request = grantRequest({ customerId: newCustomer(), idempotencyKey: 'k' });
    await caller.answer('CreateGrant', request);

    const again = await caller.answer('CreateGrant', { ...request, namespace: 'default' });
    expect(again['replayed']).toBe(true);
  });

  test('not given makes every call a new one', async () => {
    const request = grantRequest({ customerId: newCustomer() });

    expect((await caller.answer('CreateGrant', request))['version']).toBe('1');
    expect((await caller.answer('CreateGrant', request))['version']).toBe('2');
  });

  test('of a refused request is free again', async () => {
    const customerId = newCustomer();
    const spend = spendRequest({ customerId, idempotencyKey: 'k' });
    await caller.refusal('ConsumeCredits', spend);
    await caller.answer('CreateGrant', grantRequest({ customerId }));

    const answer = await caller.answer('ConsumeCredits', spend);
    expect(answer['replayed']).toBeUndefined();
    expect(answer['balance'].settled).toBe('90');
  });

  test('is neither used nor remembered by a dry run', async () => {
    const { customerId } = await funded();
    const spend = spendRequest({ customerId, idempotencyKey: 'k' });
    const state = await stateOf(sql);
    const foreseen = await caller.answer('ConsumeCredits', { ...spend, dryRun: true });

    expect(await stateOf(sql)).toEqual(state);
    const done = await caller.answer('ConsumeCredits', spend);
    expect(done['replayed']).toBeUndefined();
    expect(foreseen['balance']).toEqual(done['balance']);
    const after = await caller.answer('ConsumeCredits', { ...spend, amount: '1', dryRun: true });
    expect(after['balance'].settled).toBe('89');
  });
});

/** The one answer that is the first, after making sure that all others are its replays. */
function firstOf(answers: readonly Json[]): Json {
  const [first, ...more] = answers.filter(({ replayed }) => replayed !== true);
  expect(more).toEqual([]);
  expect(answers.filter((answer) => answer !== first)).toEqual(
    answers.slice(1).map(() => ({ ...first, replayed: true })),
  );
  return first!;
}

describe('duplicates that arrive at the same time', () => {
  test('in one batch are done once', async () => {
    const { customerId } = await funded();
    const spend = spendRequest({ customerId, idempotencyKey: 'k' });
    const { results } = await caller.answer('BatchConsumeCredits', { requests: Array(10).fill(spend) });

    expect(firstOf(results)).toMatchObject({ version: '2', balance: { settled: '90' } });
  });

  test('in one batch, of which one has other content, leave that one refused', async () => {
    const { customerId } = await funded();
    const spend = spendRequest({ customerId, idempotencyKey: 'k' });
    const { results } = await caller.answer('BatchConsumeCredits', {
      requests: [spend, { ...spend, amount: '1' }, spend],
    });

    expect(results).toMatchObject([
      { balance: { settled: '90' } },
      { error: { code: 'ALREADY_EXISTS', metadata: { key: 'k', field: 'amount' } } },
      { balance: { settled: '90' }, replayed: true },
    ]);
  });

  test.each(['CreateGrant', 'ConsumeCredits', 'VoidGrant'])(
    'at two instances: %s is done once',
    async (rpc) => {
      const given = await funded();
      const request = { ...WRITES[rpc]!(given), idempotencyKey: 'k' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? caller : neighbour).answer(rpc, request)),
      );

      expect(firstOf(answers)['version']).toBe('2');
    },
  );

  test('at two instances are done once also for a customer nobody has written about', async () => {
    const request = grantRequest({ customerId: newCustomer(), idempotencyKey: 'k' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? caller : neighbour).answer('CreateGrant', request)),
    );

    expect(firstOf(answers)['version']).toBe('1');
  });
});
