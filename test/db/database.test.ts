import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connect, awaitAll, statement, type Connection } from '../../src/db/database.ts';
import { classify } from '../../src/db/failure.ts';
import { timestamp } from '../../src/db/types.ts';
import { ALWAYS, EARLIEST, LATEST, NEVER } from '../../src/instant.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

const { url } = await testDatabase('empty');
const database = connect({ url, poolSize: 2 });
const sql = await openSql(url);
afterAll(() => Promise.all([database.close(), sql.end()]));
await sql.rows('create table things (id int primary key)');
beforeEach(() => sql.rows('truncate things'));

const INSERT = statement<never>('insert_thing', 'insert into things values ($1)');
const ALL = statement<{ id: number }>('all_things', 'select id from things order by id');
const BROKEN = statement<never>('broken', 'select 1/$1::int');
const idsOf = async (connection: Connection) => (await connection.run(ALL)).map(({ id }) => id);

describe('a transaction', () => {
  test('commits what its work did, and gives its result', async () => {
    const result = await database.transaction(async (connection) => {
      await Promise.all([connection.run(INSERT, [1]), connection.run(INSERT, [2])]);
      return 'done';
    });

    expect(result).toBe('done');
    expect(await idsOf(database)).toEqual([1, 2]);
  });

  test('undoes everything when its work throws, and throws that', async () => {
    const work = database.transaction(async (connection) => {
      await connection.run(INSERT, [1]);
      throw new Error('changed my mind');
    });

    await expect(work).rejects.toThrow('changed my mind');
    expect(await idsOf(database)).toEqual([]);
  });

  test('undoes everything when a statement fails, and throws the first error of those sent together', async () => {
    const work = database.transaction((connection) =>
      awaitAll([connection.run(INSERT, [1]), connection.run(BROKEN, [0]), connection.run(INSERT, [2])]),
    );

    await expect(work).rejects.toMatchObject({ code: '22012' });
    expect(await idsOf(database)).toEqual([]);
  });

  test('is never reported as done when its work swallowed an error', async () => {
    const work = database.transaction(async (connection) => {
      await connection.run(INSERT, [1]);
      await connection.run(BROKEN, [0]).catch(() => undefined);
      return 'done';
    });

    await expect(work).rejects.toThrow('invariant');
    expect(await idsOf(database)).toEqual([]);
  });

  test('undoes everything when a statement fails that only the commit waits for, and throws why', async () => {
    const one = connect({ url, poolSize: 1 });
    onTestFinished(() => one.close());
    const work = one.transaction(async (connection) => {
      await connection.run(INSERT, [1]);
      connection.beforeCommit([connection.run(BROKEN, [0])]);
    });

    await expect(work).rejects.toMatchObject({ code: '22012', message: 'division by zero' });
    expect(await idsOf(one)).toEqual([]);
    await one.transaction((connection) => connection.run(INSERT, [2]));
    expect(await idsOf(database)).toEqual([2]);
  });

  test('leaves its connection fit for the next, also after a failure', async () => {
    const one = connect({ url, poolSize: 1 });
    onTestFinished(() => one.close());
    await one.transaction((connection) => connection.run(BROKEN, [0])).catch(() => undefined);
    await one.transaction((connection) => connection.run(INSERT, [1]));

    expect(await idsOf(one)).toEqual([1]);
  });
});

describe('a snapshot', () => {
  test('sees the database as of one moment', async () => {
    const seen = await database.snapshot(async (connection) => {
      const before = await idsOf(connection);
      await sql.rows('insert into things values (1)');
      return [before, await idsOf(connection)];
    });

    expect(seen).toEqual([[], []]);
    expect(await idsOf(database)).toEqual([1]);
  });

  test('may not write', async () => {
    await expect(database.snapshot((connection) => connection.run(INSERT, [1]))).rejects.toMatchObject({
      code: '25006',
    });
  });
});

describe('a pool', () => {
  test('opens no more connections than it may: who comes later waits', async () => {
    const countOf = statement<{ count: number }>(
      'connections',
      `select count(*) from pg_stat_activity where application_name = 'credit-ledger' and datname = current_database()`,
    );
    const counts = await Promise.all(
      Array.from({ length: 20 }, () => database.transaction((connection) => connection.run(countOf))),
    );

    expect(Math.max(...counts.map(([row]) => row!.count))).toBeLessThanOrEqual(2);
  });

  test('replaces a connection that was lost while idle, and tells of it', async () => {
    const told: Error[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const one = connect({
      url,
      poolSize: 1,
      onIdleError: (error) => {
        told.push(error);
        resolve();
      },
    });
    onTestFinished(() => one.close());
    const [row] = await one.run(statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid'));
    await sql.rows('select pg_terminate_backend($1)', [row!.pid]);
    await promise;

    expect(told).toHaveLength(1);
    expect(await idsOf(one)).toEqual([]);
  });

  test('replaces a connection that was lost in the middle of a transaction', async () => {
    const one = connect({ url, poolSize: 1 });
    onTestFinished(() => one.close());
    const lost = one.transaction(async (connection) => {
      await connection.run(INSERT, [1]);
      const [row] = await connection.run(statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid'));
      await sql.rows('select pg_terminate_backend($1)', [row!.pid]);
      await connection.run(INSERT, [2]);
    });

    const [outcome] = await Promise.allSettled([lost]);
    expect(outcome.status === 'rejected' && classify(outcome.reason)).toBe('unavailable');
    expect(await idsOf(one)).toEqual([]);
  });

  test('replaces a connection that was lost in the middle of a single statement', async () => {
    const one = connect({ url, poolSize: 1 });
    onTestFinished(() => one.close());
    const [row] = await one.run(statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid'));
    const lost = Promise.allSettled([one.run(statement<never>('sleep_long', 'select pg_sleep(60)'))]);
    await sql.rows('select pg_terminate_backend($1)', [row!.pid]);

    const [outcome] = await lost;
    expect(outcome.status === 'rejected' && classify(outcome.reason)).toBe('unavailable');
    expect(await idsOf(one)).toEqual([]);
  });

  test('of a database that is not there says so to everybody, and not that it is full', async () => {
    const one = connect({ url: 'postgres://nobody@127.0.0.1:1/nothing', poolSize: 1, connectTimeoutMs: 300 });
    onTestFinished(() => one.close());
    const asked = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one.run(ALL) : one.snapshot(idsOf)));

    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && classify(outcome.reason))).toEqual(
      asked.map(() => 'unavailable'),
    );
  });

  test('has the server cancel a statement that runs longer than it may', async () => {
    const one = connect({ url, poolSize: 1, statementTimeoutMs: 30 });
    onTestFinished(() => one.close());

    await expect(one.run(statement('sleep', 'select pg_sleep(60)'))).rejects.toMatchObject({ code: '57014' });
  });
});

const read = async (expression: string, params: unknown[] = []) => {
  const [row] = await database.run(
    statement<{ value: unknown }>(`read ${expression}`, `select ${expression} as value`),
    params,
  );
  return row!.value;
};

describe('a value', () => {
  test.each([
    ['0', 0n],
    ['1', 10n ** 12n],
    ['-0.000000000001', -1n],
    ['123456789012345678.123456789012', 123_456_789_012_345_678_123_456_789_012n],
    ['1000000000000000000000', 10n ** 33n],
  ])('numeric %s is the exact amount %s', async (text, amount) => {
    expect(await read('$1::numeric', [text])).toBe(amount);
  });

  test.each([0, 1, 1_767_225_600_123, EARLIEST, LATEST, NEVER, ALWAYS])(
    'instant %s comes back as it went',
    async (instant) => {
      expect(await read('$1::timestamptz', [timestamp(instant)])).toBe(instant);
      expect(await read('$1::timestamptz(3)', [timestamp(instant)])).toBe(instant);
    },
  );

  test.each([
    [LATEST + 1, 'infinity'],
    [EARLIEST - 1, '-infinity'],
  ])('instant %i lies beyond what can be named, and is %s', (instant, text) => {
    expect(timestamp(instant)).toBe(text);
  });

  test('bigint is a number', async () => {
    expect(await read('9007199254740991::bigint')).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('awaitAll', () => {
  test('waits for all, and throws the first error in their order, not in time', async () => {
    const { promise: slow, reject } = Promise.withResolvers<never>();
    let settled = false;
    const both = awaitAll([slow, Promise.reject(new Error('the follower'))]).finally(() => (settled = true));
    const outcome = Promise.allSettled([both]);
    await Promise.resolve();
    expect(settled).toBe(false);
    reject(new Error('the cause'));

    expect(await outcome).toEqual([{ status: 'rejected', reason: new Error('the cause') }]);
  });
});
