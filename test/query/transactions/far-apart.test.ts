import { expect, test } from 'vitest';
import { neighbour } from '../../support/neighbours.ts';
import { day } from '../../support/builders.ts';
import { at, grantRequest, spendRequest } from '../../support/requests.ts';
import { tellSpends } from '../../support/told-spends.ts';
import { transactionsOf } from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** Pages that show two rows with more spends between them, hidden by a filter, than are looked at one by one. */

const { caller, time, sql, url } = await testWorld();
const transactions = transactionsOf({ url });

test.each([
  ['few', 1_990, 0],
  ['many', 2_100, 1],
])('a row shows the balance it found, however %s are hidden before it', async (_, spends, number) => {
  const customerId = neighbour('far', number);
  await sql.rows('grant update on writes, transactions, entries, allocations to current_user');
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10000' }));
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '7', currency: 'EUR' }));
  await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '1' }));
  const { from } = await tellSpends(sql, customerId, { count: spends, told: 'a minute late' });
  time.now = from + (spends + 2) * 60_000;
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '5', effectiveAt: at(time.now) }));
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '1', currency: 'EUR' }));

  const { rows } = await transactions.page({ customerId, types: ['TRANSACTION_TYPE_FUNDED'] });

  const left = 10_000 - 1 - spends;
  expect(
    rows.map(({ balanceBefore, amount, balanceAfter }) => [balanceBefore, amount, balanceAfter]),
  ).toEqual([
    ['7', '1', '8'],
    [`${left}`, '5', `${left + 5}`],
    ['0', '7', '7'],
    ['0', '10000', '10000'],
  ]);
});
