import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, statement, type Database, type DatabaseOptions } from '../../src/db/database.ts';
import { classify } from '../../src/db/failure.ts';
import { openNotifications } from '../../src/db/notifications.ts';
import { testClock } from '../support/clock.ts';
import { startDatabaseRelay } from '../support/database-relay.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** Connections over which nothing comes any more, and nobody is told so: what they cost, and for how long. */

const { url } = await testDatabase('empty');
const sql = await openSql(url);
afterAll(() => sql.end());
await sql.rows('create table things (id int primary key)');

const PID = statement<{ pid: number }>('pid_here', 'select pg_backend_pid() as pid');
const ADD = statement<never>('add_a_thing', 'insert into things values ($1)');
const SLEEP = statement<never>('sleep_for_long', 'select pg_sleep(60)');

/** The limit on an answer: what a statement may take, and a little. */
const [STATEMENT_MS, LITTLE_MS] = [30_000, 2_000];
const LIMIT_MS = STATEMENT_MS + LITTLE_MS;

/** A database behind a relay, with a clock that only the test moves. */
async function through(options: Partial<DatabaseOptions> = {}) {
  const relay = await startDatabaseRelay(url);
  const time = testClock();
  let asked = 0;
  const database = connect({
    url: relay.databaseUrl,
    poolSize: 1,
    clock: time.clock,
    statementTimeoutMs: STATEMENT_MS,
    silenceMs: LITTLE_MS,
    onStatement: () => (asked += 1),
    ...options,
  });
  onTestFinished(async () => {
    relay.cut();
    await database.close();
    await relay.close();
  });
  /** Lets so much time pass for a question, once it has been asked, or once it has come to where it `stands`. */
  async function askedFor(
    ms: number,
    ask: () => Promise<unknown>,
    stands?: Promise<unknown>,
  ): Promise<unknown> {
    const before = asked;
    const outcome = ask().then(
      () => 'answered',
      (error: unknown) => error,
    );
    await untilSo('it is asked', () => asked > before);
    await (stands ?? sent());
    time.pass(ms);
    // As long as a process gets that was frozen itself.
    time.pass(100);
    return outcome;
  }
  return { relay, time, database, askedFor };
}

/** Statements are sent at the end of the turn in which they are asked for. */
const sent = () => new Promise<void>((resolve) => setImmediate(resolve));

const pidOf = async (database: Pick<Database, 'run'>) => (await database.run(PID))[0]!.pid;

describe('a connection that goes silent', () => {
  test.each<[what: string, ask: (database: Database) => Promise<unknown>]>([
    ['a statement', (database) => database.run(PID)],
    ['a snapshot', (database) => database.snapshot(pidOf)],
    ['a transaction', (database) => database.transaction((connection) => connection.run(ADD, [1]))],
  ])('fails %s as out of reach when its limit has passed, and is replaced', async (_, ask) => {
    const { relay, database, askedFor } = await through();
    const pid = await pidOf(database);
    relay.silence('existing');

    const error = await askedFor(LIMIT_MS, () => ask(database));
    expect(error).toMatchObject({ name: 'SilenceError', code: '08006' });
    expect(classify(error)).toBe('unavailable');
    expect(await pidOf(database)).not.toBe(pid);
  });

  test('fails nothing before, and nothing that has been answered', async () => {
    const { time, database, askedFor } = await through();
    const pid = await pidOf(database);
    const brief = statement<never>('sleep_briefly', 'select pg_sleep(0.2)');

    expect(await askedFor(LIMIT_MS - 101, () => database.run(brief))).toBe('answered');
    time.pass(LIMIT_MS);
    time.pass(LIMIT_MS);
    expect(await pidOf(database)).toBe(pid);
  });

  test('leaves open whether a commit has happened', async () => {
    const { relay, database, askedFor } = await through();
    const add = () => database.transaction((connection) => connection.run(ADD, [2]));
    const error = await askedFor(LIMIT_MS, add, relay.answerTo('commit'));

    expect(classify(error)).toBe('unavailable');
    expect(await sql.rows('select id from things where id = 2')).toEqual([{ id: 2 }]);
    expect(await pidOf(database)).toBeGreaterThan(0);
  });

  test('does not hide why the work over it failed', async () => {
    const { relay, time, database } = await through();
    const work = database.transaction(async (connection) => {
      await connection.run(PID);
      relay.silence('existing');
      throw new Error('changed my mind');
    });
    const told = work.catch((error: unknown) => error);
    await time.until(told, async () => {
      time.pass(1_000);
      await pause(1);
    });

    expect(await told).toEqual(new Error('changed my mind'));
    expect(await pidOf(database)).toBeGreaterThan(0);
  });

  test('was silent because this process was frozen, when its answer is there', async () => {
    const { relay, time, database } = await through();
    const pid = await pidOf(database);
    const standing = relay.answerTo('pid_here');
    const asked = pidOf(database);
    const held = await standing;
    time.pass(LIMIT_MS);
    held.goOn();

    expect(await asked).toBe(pid);
    time.pass(100);
    expect(await pidOf(database)).toBe(pid);
  });
});

describe('a pool all of whose connections go silent', () => {
  /** The sessions of ten connections that are in use at once. */
  function all(database: Database): Promise<number[]> {
    const together = Promise.withResolvers<void>();
    let begun = 0;
    const use = async (connection: Pick<Database, 'run'>) => {
      const pid = await pidOf(connection);
      begun += 1;
      if (begun === 10) together.resolve();
      await together.promise;
      return pid;
    };
    return Promise.all(Array.from({ length: 10 }, () => database.snapshot(use)));
  }

  test('is well again after one limit', async () => {
    const { relay, database, askedFor } = await through({ poolSize: 10 });
    const before = await all(database);
    relay.silence('existing');
    expect(classify(await askedFor(LIMIT_MS, () => database.run(PID)))).toBe('unavailable');

    // No time passes any more.
    const after = await all(database);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  });

  test('keeps the connections that somebody works with', async () => {
    const { database, askedFor, relay } = await through({ poolSize: 2 });
    const [began, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const working = database.snapshot(async (connection) => {
      const pid = await pidOf(connection);
      began.resolve();
      await over.promise;
      return [pid, await pidOf(connection)];
    });
    await began.promise;
    const failed = await askedFor(LIMIT_MS, () => database.run(PID), relay.answerTo('pid_here'));
    over.resolve();

    expect(classify(failed)).toBe('unavailable');
    const [first, second] = await working;
    expect(second).toBe(first);
  });
});

describe('a caller that leaves a silent connection', () => {
  const gone = new Error('the caller has left');

  test.each(['existing', 'all'] as const)('is told so within a second, where %s are silent', async (of) => {
    const { relay, time, database } = await through({ poolSize: 2 });
    const before = await Promise.all([database.snapshot(pidOf), database.snapshot(pidOf)]);
    const controller = new AbortController();
    const asked = database.until(controller.signal).run(SLEEP);
    const asleep = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    await untilSo('it sleeps', async () => (await sql.rows(asleep)).length > 0);
    relay.silence(of);
    controller.abort(gone);
    const started = time.clock.monotonic();
    const told = asked.catch((error: unknown) => error);
    await time.until(told);

    expect(await told).toBe(gone);
    expect(time.clock.monotonic() - started).toBeLessThan(1_500);
    relay.heal();
    // Whoever idled was as suspect.
    expect(before).not.toContain(await pidOf(database));
  });
});

test('a database that does not answer to a new connection is out of reach', async () => {
  const { relay, database } = await through({ connectTimeoutMs: 300 });
  relay.silence('all');
  const [outcome] = await Promise.allSettled([database.run(PID)]);

  expect(outcome.status === 'rejected' && classify(outcome.reason)).toBe('unavailable');
});

test('a pool of silent connections is closed all the same', async () => {
  const { relay, time, database } = await through();
  await pidOf(database);
  relay.silence('existing');

  await time.until(database.close(), async () => {
    time.pass(1_000);
    await pause(1);
  });
  relay.heal();
  await untilSo('nothing is open', () => relay.connections() === 0);
  await expect(pidOf(database)).rejects.toThrow('closed');
});

test('whoever listens notices a silence, and listens again', async () => {
  const relay = await startDatabaseRelay(url);
  const time = testClock();
  const [heard, lost]: [string[], unknown[]] = [[], []];
  let listening = 0;
  const notifications = openNotifications({
    url: relay.databaseUrl,
    channel: 'a_channel',
    clock: time.clock,
    onNotification: (payload) => heard.push(payload),
    onListening: () => (listening += 1),
    onLost: (error) => lost.push(error),
  });
  onTestFinished(async () => {
    relay.heal();
    await notifications.close();
    await relay.close();
  });
  await untilSo('it listens', () => listening === 1);
  relay.silence('existing');
  await untilSo('it listens again', async () => {
    time.pass(1_000);
    await pause(1);
    return listening === 2;
  });

  expect(lost).toEqual([expect.objectContaining({ name: 'SilenceError' })]);
  await notifications.notify(['hello']);
  await untilSo('it hears', () => heard.includes('hello'));
});
