import { expect, test } from 'vitest';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

const { caller } = await testWorld();

test.each(['CREDIT_ONLY', 'CREDIT_THEN_INVOICE'])(
  'a dry run for a customer nobody has written about says what would happen: %s',
  async (mode) => {
    const spend = spendRequest({
      customerId: 'nobody',
      settlementMode: `SETTLEMENT_MODE_${mode}`,
      dryRun: true,
    });

    expect(await caller.answer('ConsumeCredits', spend)).toMatchObject({
      balance: { currency: 'USD', settled: mode === 'CREDIT_ONLY' ? '-10' : '0' },
    });
  },
);

/** consumption.proto: "In a dry run it has no id." */
test('the charge of a dry run has no id: there is no such charge', async () => {
  await caller.answer('CreateGrant', grantRequest());
  const { charge } = await caller.answer('ConsumeCredits', spendRequest({ ...CREDIT_ONLY, dryRun: true }));

  expect(charge.id).toBeUndefined();
});

test('the charge of a dry run has no key: it uses none', async () => {
  const spend = spendRequest({ ...CREDIT_ONLY, idempotencyKey: 'unused' });
  const { charge } = await caller.answer('ConsumeCredits', { ...spend, dryRun: true });

  expect(charge.idempotencyKey).toBeUndefined();
  expect((await caller.answer('ConsumeCredits', spend))['replayed']).toBeUndefined();
});
