import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createClock } from '../../src/db/clock.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { audit } from '../support/audit.ts';
import { callerOf, type Caller } from '../support/caller.ts';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testService, type CallResult, type Json } from '../support/service.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** Law 9: parallel consumption never spends more than there is and never deadlocks, on the database's own time. */

const { url } = await testDatabase();
// Nobody loses patience, however busy the machine is: each has its turn in the end.
const clock = { ...createClock(), monotonic: () => 0 };
const instances = await Promise.all([testService(url, { clock }), testService(url, { clock })]);
const sql = await openSql(url);
let stopped = false;
const stop = async () => {
  if (!stopped) await Promise.all(instances.map((instance) => instance.stop()));
  stopped = true;
};
afterAll(async () => {
  await stop();
  await sql.end();
});
const [one, two] = instances.map((instance) => callerOf(instance)) as [Caller, Caller];
const either = (i: number): Caller => (i % 2 === 0 ? one : two);

const reasonOf = (result: CallResult): string => (result.ok ? 'done' : String(result.error.reason));
const tallyOf = (outcomes: readonly string[]): object =>
  Object.fromEntries(
    [...Map.groupBy(outcomes, (outcome) => outcome)].map(([name, all]) => [name, all.length]),
  );

describe('200 parallel spends of 1 through two instances, by a customer with 100', () => {
  const customerId = 'ada';

  test('succeed exactly 100 times; the others are refused, and nothing is left', async () => {
    await one.answer('CreateGrant', grantRequest({ customerId }));
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        either(i).result('ConsumeCredits', spendRequest({ customerId, amount: '1' })),
      ),
    );

    expect(tallyOf(results.map(reasonOf))).toEqual({ done: 100, INSUFFICIENT_CREDIT: 100 });
    const { balances } = await two.answer('GetBalance', { customerId });
    expect(balances).toEqual([{ currency: 'USD', settled: '0', live: '0', pending: '0' }]);
  });

  test('take the versions after the grant, each once and without a gap', async () => {
    const rows = await sql.rows<{ version: number }>(
      `select w.version from writes w join books b on b.id = w.book_id where b.customer_id = $1 order by 1`,
      [customerId],
    );

    expect(rows.map(({ version }) => version)).toEqual(Array.from({ length: 101 }, (_, i) => i + 1));
  });
});

describe('a customer for whom two instances spend all the time', () => {
  test('is shared by them: neither keeps the other from its turn', async () => {
    const customerId = 'shared';
    await one.answer('CreateGrant', grantRequest({ customerId, amount: '10000' }));
    const done = [0, 0];
    const callers = Array.from({ length: 24 }, async (_, i) => {
      while (done[0]! + done[1]! < 400) {
        await either(i).answer('ConsumeCredits', spendRequest({ customerId, amount: '1' }));
        done[i % 2]! += 1;
      }
    });
    await Promise.all(callers);

    expect(Math.min(...done)).toBeGreaterThan(100);
  });
});

/** Customers whose books share a shard, so that batches hold the locks of several books at once. */
const neighbours = Array.from({ length: 3_000 }, (_, i) => `neighbour ${i}`)
  .filter((customerId) => shardOf({ namespace: 'default', customerId }) === 3)
  .slice(0, 12);

/** Batches of spends by customers at random, in random order. */
const batches = fc.sample(fc.array(fc.constantFrom(...neighbours), { minLength: 8, maxLength: 30 }), {
  numRuns: 80,
  seed: 20_260_101,
});

/** Customers nobody has written about, of the same shard: their books are made by whoever comes first. */
const newcomers = Array.from({ length: 20_000 }, (_, i) => `newcomer ${i}`).filter(
  (customerId) => shardOf({ namespace: 'default', customerId }) === 3,
);

describe('batches that share books at random, through two instances at once', () => {
  test('are all answered: every item done, or refused for want of credit', async () => {
    await Promise.all(
      neighbours.map((customerId) => one.answer('CreateGrant', grantRequest({ customerId, amount: '90' }))),
    );
    const answers = await Promise.all(
      batches.map((customers, i) =>
        either(i).answer('BatchConsumeCredits', {
          requests: customers.map((customerId) => spendRequest({ customerId, amount: '1' })),
        }),
      ),
    );

    const reasons = answers
      .flatMap(({ results }) => results as Json[])
      .flatMap(({ error }) => (error === undefined ? [] : [error.reason]));
    expect([...new Set(reasons)]).toEqual(['INSUFFICIENT_CREDIT']);
    const spent = tallyOf(
      batches.flatMap((customers, i) =>
        customers.filter((_, item) => (answers[i]!['results'] as Json[])[item]!['error'] === undefined),
      ),
    );
    const wanted = tallyOf(batches.flat());
    expect(spent).toEqual(
      Object.fromEntries(
        Object.entries(wanted).map(([name, count]) => [name, Math.min(count as number, 90)]),
      ),
    );
  });

  test('make the books that are not there yet, each once', async () => {
    const groups = fc.sample(fc.shuffledSubarray(newcomers, { minLength: 5, maxLength: 40 }), {
      numRuns: 60,
      seed: 20_260_102,
    });
    const answers = await Promise.all(
      groups.map((customers, i) =>
        either(i).answer('BatchCreateGrants', {
          requests: customers.map((customerId) => grantRequest({ customerId })),
        }),
      ),
    );

    const refused = answers
      .flatMap(({ results }) => results as Json[])
      .filter(({ error }) => error !== undefined);
    expect(refused).toEqual([]);
    const grants = await sql.rows<{ customer_id: string; version: number }>(
      `select customer_id, version from books where customer_id like 'newcomer %'`,
    );
    expect(Object.fromEntries(grants.map(({ customer_id, version }) => [customer_id, version]))).toEqual(
      tallyOf(groups.flat()),
    );
  });

  test('never deadlock', async () => {
    // Backends report what they counted at the latest when they end.
    await stop();
    const gone = async () => {
      const [row] = await sql.rows<{ others: number }>(
        'select count(*) as others from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      return row!.others === 0;
    };
    await untilSo('every backend has ended', gone);
    const [row] = await sql.rows<{ deadlocks: number }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );

    expect(row!.deadlocks).toBe(0);
  });

  test('leave sound books behind', async () => {
    expect(await audit(sql)).toEqual([]);
  });
});
