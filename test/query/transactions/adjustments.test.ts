import { expect, test } from 'vitest';
import { at, grantRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { transactionsOf } from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** What the history says of an adjustment: why, and for credit given also the grant that it made. */

const { caller, time, url } = await testWorld();
const transactions = transactionsOf({ url });

const adjust = (customerId: string, request: object) =>
  caller.answer('CreateAdjustment', { customerId, currency: 'USD', ...request });

/** The history's newest row. */
const newest = async (customerId: string): Promise<Json> => (await transactions.rows({ customerId }))[0]!;

const give = (customerId: string, amount: string) =>
  caller.answer('CreateGrant', grantRequest({ customerId, amount, effectiveAt: at(time.now) }));

test.each([
  ['one grant', ['10']],
  ['two grants', ['1', '9']],
])('credit taken from %s says why, and names no grant', async (sources, amounts) => {
  const customerId = `had ${sources}`;
  for (const amount of amounts) await give(customerId, amount);

  const { transaction } = await adjust(customerId, { amount: '-2', reason: 'counted twice' });

  const row = await newest(customerId);
  expect(row).toEqual(transaction);
  expect(row).toMatchObject({
    type: 'TRANSACTION_TYPE_ADJUSTED',
    amount: '-2',
    description: 'counted twice',
  });
  expect(row).not.toHaveProperty('grantId');
  expect(row).not.toHaveProperty('name');
});

test('credit given says why, and names its grant', async () => {
  const { transaction, grant } = await adjust('given', { amount: '2', reason: 'for the trouble' });

  const row = await newest('given');
  expect(row).toEqual(transaction);
  expect(row).toMatchObject({ amount: '2', grantId: grant.id, description: 'for the trouble' });
});

test('an adjustment without a reason has no description', async () => {
  await give('silent', '10');
  const { transaction } = await adjust('silent', { amount: '-1' });

  expect(await newest('silent')).toEqual(transaction);
  expect(transaction).not.toHaveProperty('description');
});

test('the journal keeps the reason of every adjustment, either way', async () => {
  await adjust('kept', { amount: '2', reason: 'up' });
  await adjust('kept', { amount: '-1', reason: 'down' });

  const { transactions: journal } = await caller.answer('ListTransactions', { customerId: 'kept' });
  expect((journal as Json[]).map(({ kind, reason }) => [kind, reason])).toEqual([
    ['TRANSACTION_KIND_ADJUST', 'up'],
    ['TRANSACTION_KIND_ADJUST', 'down'],
  ]);
});
