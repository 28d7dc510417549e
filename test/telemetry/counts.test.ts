import { afterAll, describe, expect, test } from 'vitest';
import { connect, statement } from '../../src/db/database.ts';
import type { RoundTrip } from '../../src/db/pipeline.ts';
import { addWatermark, lagOf, noHorizons, takeIn } from '../../src/feed/horizons.ts';
import type { MountedRpc } from '../../src/rpc/call/mounted-service.ts';
import { createCallMetrics } from '../../src/telemetry/calls.ts';
import { createDistribution } from '../../src/telemetry/distribution.ts';
import { createQueue } from '../../src/write/queue.ts';
import { SHARDS } from '../../src/tables/book-key.ts';
import { controlled, databaseError, nameOf, noPause, NOW } from '../support/played-queue.ts';
import { testDatabase } from '../support/postgres.ts';
import { aNamed } from '../support/submissions.ts';

/** What modules tell by their hooks, and answer when asked how they stand: the metrics are made of it. */

describe('a queue', () => {
  test('knows how many wait, for how long the first has, and how many batches are under way', async () => {
    let now = NOW;
    const { queue, submit, next } = controlled({ now: () => now });
    expect(queue.counts()).toEqual({ waiting: 0, aside: 0, underWay: 0, oldestMs: 0 });
    const first = submit('a');
    const batch = await next();
    const waiting = submit('b');
    now += 70;
    const later = submit('c');
    now += 30;

    expect(queue.counts()).toEqual({ waiting: 2, aside: 0, underWay: 1, oldestMs: 100 });
    batch.answer();
    (await next()).answer();
    await Promise.all([first, waiting, later]);
    expect(queue.counts()).toEqual({ waiting: 0, aside: 0, underWay: 0, oldestMs: 0 });
  });

  test('tells of each time a batch is tried, of whole retries and of halves, with what each write is done for', async () => {
    const told: string[] = [];
    let cause = 0;
    const queue = createQueue({
      batchSize: 64,
      queueLimit: 100,
      now: () => NOW,
      pause: noPause,
      commit: async (submissions) => {
        if (submissions.some((one) => nameOf(one) === 'b')) throw databaseError('40001');
        return submissions.map(() => ({ ok: true, message: 'done' }));
      },
      observer: {
        cause: () => (cause += 1),
        around(batch, manner, work) {
          told.push(`${manner} ${batch.map((one) => String(one.cause)).join()}`);
          return work();
        },
        again: (how) => told.push(how),
      },
    });
    await Promise.allSettled(['a', 'b'].map((name) => queue.submit(aNamed(name))));

    expect(told).toEqual([
      'first 1,2',
      'retry',
      'again 1,2',
      'split',
      'again 1',
      'again 2',
      'retry',
      'again 2',
      'retry',
      'again 2',
    ]);
  });
});

describe('a pool', () => {
  const NOTHING = statement<never>('nothing_counted', 'select from pg_sleep(0)');
  const NUMBER = statement<{ one: number }>('divided', 'select 1 / $1::int as one');
  const trips: RoundTrip[] = [];
  let asking = 'start';
  const opened = testDatabase('empty').then(({ url }) =>
    connect({ url, poolSize: 1, observer: { cause: () => asking, ended: (trip) => trips.push(trip) } }),
  );
  afterAll(async () => (await opened).close());

  test('knows what is lent, what is open and who waits', async () => {
    const database = await opened;
    expect(database.counts()).toEqual({ used: 0, idle: 0, waiting: 0, size: 1 });
    const lent = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const work = database.transaction(async (connection) => {
      await connection.run(NOTHING);
      lent.resolve();
      await done.promise;
    });
    await lent.promise;
    const behind = database.run(NOTHING);
    expect(database.counts()).toEqual({ used: 1, idle: 0, waiting: 1, size: 1 });
    done.resolve();
    await Promise.all([work, behind]);
    expect(database.counts()).toEqual({ used: 0, idle: 1, waiting: 0, size: 1 });
  });

  test('tells of each round trip what it was asked for, its statements, its time and why it failed', async () => {
    const database = await opened;
    trips.length = 0;
    asking = 'well';
    await database.transaction((connection) => connection.run(NUMBER, [1]));
    asking = 'badly';
    await database.run(NUMBER, [0]).catch(() => undefined);

    expect(trips.map(({ cause, statements }) => [cause, statements.map(({ name }) => name)])).toEqual([
      ['well', ['begin', 'divided']],
      ['well', ['commit']],
      ['badly', ['divided']],
    ]);
    expect(trips.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual([
      undefined,
      undefined,
      '22012',
    ]);
    for (const { sentAt, answeredAt } of trips) expect(answeredAt).toBeGreaterThanOrEqual(sentAt);
  });
});

test('a feed lags by the age of the newest watermark that its horizons are above', () => {
  const horizons = noHorizons();
  const all = Array.from({ length: SHARDS }, (_, shard) => shard);
  const xids = all.map(() => 10);
  const found = (horizon: number) => all.map(() => ({ horizon, last: 5 }));
  expect(lagOf(horizons, 5_000)).toBe(0);
  addWatermark(horizons, { look: 1, at: 1_000, xids });
  takeIn(horizons, all, found(11));
  expect(lagOf(horizons, 5_000)).toBe(4_000);
  addWatermark(horizons, { look: 2, at: 4_000, xids: all.map(() => 20) });
  takeIn(horizons, all, found(15));
  expect(lagOf(horizons, 5_000)).toBe(4_000);
  takeIn(horizons, all, found(21));
  expect(lagOf(horizons, 5_000)).toBe(1_000);
});

test('a distribution counts a value in the first bucket that holds it, and in every wider one', () => {
  const values = createDistribution([1, 2, 4]);
  for (const value of [0.5, 1, 1.5, 4, 5]) values.observe(value);
  expect(values.read()).toEqual({ upTo: [2, 3, 4], count: 5, sum: 12 });
});

test('a fault is what nobody refused, and is counted from the first on', () => {
  const { ended, families } = createCallMetrics();
  const method = { name: 'x/Spend' } as MountedRpc;
  const one = { method, protocol: 'grpc', startedAt: 0, requestId: '1', span: undefined } as const;
  const faults = () => {
    const family = families.find(({ name }) => name === 'credit_ledger_faults_total')!;
    return family.type === 'histogram' ? undefined : [...family.read()];
  };
  expect(faults()).toEqual([[{}, 0]]);
  ended(one, 'OK', undefined);
  ended(one, 'FAILED_PRECONDITION', 'INSUFFICIENT_CREDIT');
  ended(one, 'INTERNAL', undefined);
  expect(faults()).toEqual([[{}, 1]]);
});
