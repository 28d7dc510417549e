import { expect, test } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** An instance whose questions go to a replica, which here has not caught up with anything. */

const { another } = await testWorld();
const lagging = await testDatabase();
const primaryOnly = await another();
const withReplica = await another({ replicaUrl: lagging.url });

test('writes and dry runs go to the primary', async () => {
  const { version } = await withReplica.answer('CreateGrant', grantRequest({ amount: '10' }));
  const dry = await withReplica.answer('ConsumeCredits', spendRequest({ amount: '4', dryRun: true }));

  expect(version).toBe('1');
  expect(dry['balance'].settled).toBe('6');
  expect((await primaryOnly.answer('GetBalance', { customerId: 'ada' }))['version']).toBe('1');
});

test.each(['GetBalance', 'ListGrants', 'ListTransactions'])('%s is answered by the replica', async (rpc) => {
  await withReplica.answer('CreateGrant', grantRequest());

  expect((await withReplica.answer(rpc, { customerId: 'ada' }))['version'] ?? '0').toBe('0');
});

test('a caller that must see its own write is told when the replica has not got there', async () => {
  const { version } = await withReplica.answer('CreateGrant', grantRequest());
  const refusal = await withReplica.refusal('GetBalance', { customerId: 'ada', minVersion: version });

  expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP' });
});
