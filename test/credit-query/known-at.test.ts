import { expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';
import { untilSomebodyWaits } from '../support/lock-waits.ts';

/** Law 8: what was answered as known at an instant stays the answer, also while the book is being written. */

const { caller, sql, time, another, databaseUrl } = await testWorld();
const other = await another();
const customerId = 'ada';

test('without an instant asked for, the answer is known at the last write, and asking so again gives the same', async () => {
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest({ amount: '10' }));
  time.now = day(2);
  const { asOf, knownAt, balances } = await caller.answer('GetBalance', { customerId });
  expect([asOf, knownAt]).toEqual([at(day(2)), at(day(1))].map((instant) => instant.replace('.000Z', 'Z')));

  await caller.answer('CreateGrant', grantRequest({ amount: '5' }));
  const again = await caller.answer('GetBalance', { customerId, asOf, knownAt });
  expect(again['balances']).toEqual(balances);
});

test('a question about an instant that a write under way may have been given waits for that write', async () => {
  time.now = day(3);
  await sql.rows('begin');
  await sql.rows('select from books where customer_id = $1 for update', [customerId]);
  let answered = false;
  const question = other.answer('GetBalance', { customerId, knownAt: at(day(3)) });
  void question.then(() => (answered = true));
  await untilSomebodyWaits(databaseUrl);
  expect(answered).toBe(false);
  // What somebody else has just recorded, at the very instant asked about.
  await sql.rows('rollback');

  expect((await question)['version']).toBe('2');
});

test('a question about now waits for nobody', async () => {
  await sql.rows('begin');
  await sql.rows('select from books where customer_id = $1 for update', [customerId]);
  const { version } = await other.answer('GetBalance', { customerId });
  await sql.rows('rollback');

  expect(version).toBe('2');
});

test('a batch about such an instant waits, too', async () => {
  time.now = day(4);
  await sql.rows('begin');
  await sql.rows('select from books where customer_id = $1 for update', [customerId]);
  let answered = false;
  const question = other.answer('BatchGetBalances', {
    customerIds: ['bob', customerId],
    knownAt: at(day(4)),
  });
  void question.then(() => (answered = true));
  await untilSomebodyWaits(databaseUrl);
  expect(answered).toBe(false);
  await sql.rows('rollback');

  expect((await question)['results'].map(({ version }: { version: string }) => version)).toEqual([
    undefined,
    '2',
  ]);
});

test('each answer of a batch says when its book was last written, and asked so again is the same', async () => {
  time.now = day(5);
  await caller.answer('CreateGrant', grantRequest({ customerId: 'bob' }));
  const { results, asOf, knownAt } = await caller.answer('BatchGetBalances', {
    customerIds: ['bob', customerId],
  });
  expect(results.map((result: { knownAt: string }) => Date.parse(result.knownAt))).toEqual([day(5), day(2)]);
  expect(Date.parse(knownAt)).toBe(day(5));

  // What was recorded before the other book's last write, and was not to be seen yet.
  time.now = day(4);
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  const [, own] = results;
  const again = await caller.answer('GetBalance', { customerId, asOf, knownAt: own.knownAt });
  expect(again['balances']).toEqual(own.balances);
});
