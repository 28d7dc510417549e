import { describe, expect, test } from 'vitest';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

const { caller, time } = await testWorld();

async function voidedTwice(customerId: string): Promise<{ request: object; first: unknown }> {
  const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
  await caller.answer('VoidGrant', { customerId, grantId: grant.id });
  const request = { customerId, grantId: grant.id, idempotencyKey: 'again' };
  return { request, first: await caller.answer('VoidGrant', request) };
}

/** Law 5 says any request; a success that changes nothing takes no version, and its key is kept all the same. */
describe('the key of a success that changed nothing', () => {
  test('gets the same answer after other writes', async () => {
    const { request, first } = await voidedTwice('ada');
    time.now += 1_000;
    await caller.answer('CreateGrant', grantRequest());

    expect(await caller.answer('VoidGrant', request)).toEqual({ ...(first as object), replayed: true });
  });

  test('is refused with other content', async () => {
    await voidedTwice('bob');
    const spend = spendRequest({ customerId: 'bob', settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY' });

    expect((await caller.refusal('ConsumeCredits', { ...spend, idempotencyKey: 'again' })).reason).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
  });
});

/** currency.proto: unique per namespace; without one a repeat is refused. */
describe('the key of CreateCurrency', () => {
  const unit = { code: 'TOKENS', name: 'Tokens', precision: 2 };

  test('is refused with another unit', async () => {
    await caller.answer('CreateCurrency', { ...unit, idempotencyKey: 'k' });

    expect(
      (await caller.refusal('CreateCurrency', { ...unit, code: 'POINTS', idempotencyKey: 'k' })).reason,
    ).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('left out makes a repeat a refusal', async () => {
    await caller.answer('CreateCurrency', { ...unit, code: 'CALLS' });

    expect((await caller.refusal('CreateCurrency', { ...unit, code: 'CALLS' })).reason).toBe(
      'CURRENCY_EXISTS',
    );
  });
});
