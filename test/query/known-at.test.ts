import { expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest } from '../support/requests.ts';
import { until, untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';
import { untilSomebodyWaits } from '../support/lock-waits.ts';

/** Law 8: what was answered as known at an instant stays the answer, also while the book is being written. */

const { caller, sql, time, another, databaseUrl } = await testWorld();
const seen: string[] = [];
const other = await another({ onStatement: ({ name }) => seen.push(name) });
const asked = (name: string) => seen.splice(0).includes(name);
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

/** Each a day of its own. */
const NAMESPACE_QUESTIONS = [
  ['GetTrialBalance', day(10)],
  ['ListAccounts', day(20)],
] as const;

/** An answer about a namespace; the transactions of others on this server, other tests included, may hold it up too long. */
const onceAllHaveEnded = (rpc: string, request: object) =>
  until('nobody else writes', async () => {
    const result = await other.result(rpc, request);
    if (result.ok) return result.answer;
    return result.error.reason === 'NOT_CAUGHT_UP' ? undefined : other.answer(rpc, request);
  });

test.each(NAMESPACE_QUESTIONS)(
  '%s of a namespace waits for a write that may have been given its instant',
  async (rpc, now) => {
    time.now = now;
    const { knownAt: before } = await other.answer(rpc, {});
    expect(Date.parse(before)).toBe(now);
    await sql.rows('begin');
    await sql.rows('select from books where customer_id = $1 for update', [customerId]);
    let answered = false;
    const question = onceAllHaveEnded(rpc, { knownAt: at(now) });
    void question.then(() => (answered = true));
    await untilSo('it looks which writes are under way', async () => asked('oldest_write'));
    expect(answered).toBe(false);
    await sql.rows('rollback');

    expect(await question).toMatchObject({ knownAt: before });
  },
);

test.each(NAMESPACE_QUESTIONS)(
  '%s of a namespace is the same when asked again, whatever is written meanwhile',
  async (rpc, now) => {
    time.now = now + 2;
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    const { asOf, knownAt, ...told } = await other.answer(rpc, {});
    time.now += 1;
    for (const name of [customerId, 'somebody else']) {
      await caller.answer('CreateGrant', grantRequest({ customerId: name }));
    }

    expect(await onceAllHaveEnded(rpc, { asOf, knownAt })).toEqual({ ...told, asOf, knownAt });
  },
);

test.each(NAMESPACE_QUESTIONS)(
  '%s of a namespace about an instant is refused while a write of then goes on',
  async (rpc, now) => {
    time.now = now + 9;
    await sql.rows('begin');
    await sql.rows('select from books where customer_id = $1 for update', [customerId]);
    const refusal = await other.refusal(rpc, { knownAt: at(now + 9) });
    const answer = await other.answer(rpc, {});
    await sql.rows('rollback');

    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP' });
    expect(Date.parse(answer['knownAt'])).toBe(now + 9);
  },
);
