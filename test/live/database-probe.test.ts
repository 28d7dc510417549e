import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/database.ts';
import { createDatabaseProbe } from '../../src/live/database-probe.ts';
import { createReadiness, type Unready } from '../../src/live/readiness.ts';
import { captureLog } from '../rpc/harness.ts';
import { testClock } from '../support/clock.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** When the database counts as lost, and when as found again. */

const { url } = await testDatabase();
const sql = await openSql(url);
const name = (await sql.rows<{ name: string }>('select current_database() as name'))[0]!.name;
afterAll(() => sql.end());

const cut = () =>
  sql.rows(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
const lock = async () => {
  await sql.rows(`alter database "${name}" connection limit 0`);
  await cut();
};
const unlock = () => sql.rows(`alter database "${name}" connection limit -1`);
beforeEach(unlock);

/** A probe, all that it has said, and its looks: each can be waited for. */
function probed(own: Partial<Database> = {}) {
  const time = testClock();
  const { log, lines } = captureLog();
  const database = connect({ url, poolSize: 1 });
  let looks = 0;
  const run: Database['run'] = (...asked) => (own.run ?? database.run)(...asked).finally(() => (looks += 1));
  const readiness = createReadiness();
  const said: (Unready | null)[] = [];
  readiness.subscribe(() => said.push(readiness.unready()));
  const probe = createDatabaseProbe({ database: { ...database, run }, clock: time.clock, log }, readiness);
  onTestFinished(async () => {
    probe.close();
    await database.close();
  });
  /** Lets a second pass, and the look of that second come to its end. */
  const second = async () => {
    const before = looks;
    time.pass(1_000);
    await untilSo('it has looked', () => looks > before);
  };
  const looked = () => untilSo('it has looked', () => looks > 0);
  return { time, said, second, looked, logged: () => lines.map(({ level, msg }) => [level, msg]) };
}

describe('a database that cannot be reached', () => {
  test('is lost after three seconds, and found with its first answer; each is logged once', async () => {
    const { said, second, looked, logged } = probed();
    await looked();
    await lock();
    await second();
    await second();
    await second();
    expect(said).toEqual([]);
    await second();
    await second();
    expect(said).toEqual(['DATABASE_UNAVAILABLE']);
    await unlock();
    await second();

    expect(said).toEqual(['DATABASE_UNAVAILABLE', null]);
    expect(logged()).toEqual([
      ['error', 'not ready: the database is lost'],
      ['info', 'ready again: the database answers'],
    ]);
  });

  test('for a shorter time is never lost', async () => {
    const { said, second, looked } = probed();
    await looked();
    for (let times = 0; times < 3; times += 1) {
      await lock();
      await second();
      await second();
      await unlock();
      await second();
    }

    expect(said).toEqual([]);
  });
});

test('a database that says nothing at all is lost after three seconds', async () => {
  const { time, said } = probed({ run: () => new Promise(() => {}) });
  await untilSo('it has looked', () => {
    time.pass(100);
    return said.length > 0;
  });

  expect(said).toEqual(['DATABASE_UNAVAILABLE']);
  expect(time.clock.monotonic()).toBeGreaterThanOrEqual(3_000);
});

test('a database that takes no writes is no primary, and is told as such', async () => {
  const { said, second, looked } = probed();
  await looked();
  await sql.rows(`alter database "${name}" set default_transaction_read_only = on`);
  onTestFinished(async () => {
    await sql.rows(`alter database "${name}" reset default_transaction_read_only`);
  });
  await cut();
  for (let seconds = 0; seconds < 5; seconds += 1) await second();

  expect(said).toEqual(['DATABASE_READ_ONLY']);
});

test('once it shuts down nothing makes it ready again', async () => {
  const readiness = createReadiness();
  readiness.set('SHUTTING_DOWN');

  expect(readiness.set(null)).toBe(false);
  expect(readiness.unready()).toBe('SHUTTING_DOWN');
});
