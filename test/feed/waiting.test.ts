import { timestampDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { pause } from '../../src/db/clock.ts';
import { failureOf } from '../rpc/clients.ts';
import { callerOf } from '../support/caller.ts';
import { testClock } from '../support/clock.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testService } from '../support/service.ts';
import { openSql } from '../support/sql.ts';
import { isBookmark, placeOf, watchTransactions } from '../support/following.ts';
import { testWorld } from '../support/world.ts';
import { untilSo } from '../support/until.ts';

/** What a stream does while nothing comes, and how it ends. Time passes by hand. */

/** The names of the statements that were run. */
const seen: string[] = [];
const { caller, url, databaseUrl, time, sql } = await testWorld({
  feeds: { limit: 3 },
  onStatement: ({ name }) => seen.push(name),
});

const aMoment = () => sql.rows('select 1');
const soon = <T>(promise: Promise<T>): Promise<T> => time.until(promise, aMoment);
/**
 * The same where it matters how much time passes: somebody else's transaction, in another test on the same server, may
 * hold a feed back for seconds.
 */
const slowly = <T>(promise: Promise<T>): Promise<T> => time.until(promise, () => pause(5));

function watch(request: Parameters<typeof watchTransactions>[1], at = url) {
  const watching = watchTransactions(at, request);
  onTestFinished(() => watching.end());
  return watching;
}

const spend = (namespace: string) =>
  caller.answer('ConsumeCredits', spendRequest({ namespace, amount: '1', ...CREDIT_ONLY }));

const completeTo = ({ event }: Awaited<ReturnType<ReturnType<typeof watch>['next']>>): number =>
  event.case === 'bookmark' ? timestampDate(event.value.completeTo!).getTime() : Number.NaN;

describe.each(['', 'ada'])('bookmarks (customer "%s")', (customerId) => {
  const namespace = customerId === '' ? 'quiet' : 'quiet-customer';

  test('come once all has been told, and after each 15 seconds in which nothing came', async () => {
    const watching = watch({ namespace, customerId });
    expect(isBookmark(await soon(watching.next()))).toBe(true);
    // What comes next shows that no bookmark came before it.
    for (const version of [1, 2]) {
      time.pass(10_000);
      await spend(namespace);
      expect(placeOf(await slowly(watching.next()))).toBe(`ada ${version}.1`);
    }
    time.pass(15_000);
    expect(isBookmark(await soon(watching.next()))).toBe(true);
    time.pass(10_000);
    await spend(namespace);
    expect(placeOf(await slowly(watching.next()))).toBe('ada 3.1');
    watching.end();
  });

  test('say up to which instant all has been told', async () => {
    const recorded = (await spend(namespace))['recordedAt'] as string;
    const watching = watch({ namespace, customerId });
    const [first] = (await soon(watching.until(isBookmark))).slice(-1);
    // Of this very millisecond there may be more to come.
    expect(completeTo(first!)).toBe(Date.parse(recorded) - 1);
    time.now += 5_000;
    await spend(namespace);
    await soon(watching.next());
    // The transaction came by a signal; the look that proves it all comes with a poll, once nobody on this server, other
    // tests included, has an older transaction open.
    const isComplete = async () => {
      time.pass(15_000);
      return completeTo(await soon(watching.next())) === time.now - 1;
    };
    await untilSo('a bookmark promises all', isComplete);
    watching.end();
  });
});

test('one page follows the other, and nobody waits for time to pass', async () => {
  const namespace = 'pages';
  const one = spendRequest({ namespace, amount: '1', ...CREDIT_ONLY });
  await caller.answer('BatchConsumeCredits', { requests: Array.from({ length: 600 }, () => one) });
  const watching = watch({ namespace, customerId: 'ada' });
  let last = placeOf(await soon(watching.next()));
  while (last !== 'ada 600.1') last = placeOf(await watching.next());

  expect(isBookmark(await soon(watching.next()))).toBe(true);
  watching.end();
});

test('a bookmark promises nothing that an open transaction may still bring', async () => {
  const namespace = 'held';
  await spend(namespace);
  const watching = watch({ namespace });
  const first = completeTo((await soon(watching.until(isBookmark))).at(-1)!);
  const session = await openSql(databaseUrl);
  onTestFinished(() => session.end());
  await session.rows('begin');
  await session.rows('select pg_current_xact_id()');
  time.now += 5_000;
  for (let i = 0; i < 2; i++) {
    time.pass(15_000);
    // A sign of life, and no more.
    expect(completeTo(await soon(watching.next()))).toBe(first);
  }
  await session.rows('commit');
  time.pass(15_000);
  const later = async (): Promise<number> => {
    const told = completeTo(await soon(watching.next()));
    time.pass(15_000);
    return told > first ? told : later();
  };
  expect(await later()).toBe(time.now - 1);
  watching.end();
});

describe('only what is new', () => {
  test('leaves out what was committed before, also what older transactions hold back', async () => {
    const namespace = 'new';
    const session = await openSql(databaseUrl);
    onTestFinished(() => session.end());
    await session.rows('begin');
    await session.rows('select pg_current_xact_id()');
    await spend(namespace);
    seen.length = 0;
    const watching = watch({ namespace, onlyNew: true });
    const first = watching.next();
    await soon(untilSo("somebody looked at the journal's end", () => seen.includes('feed_tail')));
    await session.rows('commit');
    expect(isBookmark(await soon(first))).toBe(true);
    await spend(namespace);
    expect(placeOf(await soon(watching.next()))).toBe('ada 2.1');
    watching.end();
  });
});

describe('a stream ends', () => {
  test.each(['', 'ada'])('with SHUTTING_DOWN when its instance stops (customer "%s")', async (customerId) => {
    const instance = await testService(databaseUrl, { clock: time.clock });
    const namespace = `stopping-${customerId}`;
    await callerOf(instance).answer('ConsumeCredits', spendRequest({ namespace, ...CREDIT_ONLY }));
    const watching = watch({ namespace, customerId }, instance.url);
    const heard = await soon(watching.until(isBookmark));
    const failure = failureOf(watching.next());
    await instance.stop();

    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN', retryMs: 1_000 });
    const elsewhere = watch({ namespace, customerId, cursor: heard.at(-1)!.cursor });
    expect(isBookmark(await soon(elsewhere.next()))).toBe(true);
    elsewhere.end();
  });

  test('with TOO_MANY_WATCHES when the instance has as many as it may', async () => {
    const open = [1, 2, 3].map(() => watch({ namespace: 'crowd' }));
    for (const watching of open) await soon(watching.next());
    expect(await failureOf(soon(watch({ namespace: 'crowd' }).next()))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_WATCHES',
      metadata: { limit: '3' },
    });
    open[0]!.end();
    const again = async (): Promise<unknown> => {
      const next = watch({ namespace: 'crowd' });
      return soon(next.next()).catch(again);
    };
    expect(await again()).toBeDefined();
  });
});

describe('a database that', () => {
  const others = `pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  const unavailable = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' };

  /** An instance of its own: streams of the others must not notice. */
  async function alone() {
    const own = testClock(time.now);
    const instance = await testService(databaseUrl, { clock: own.clock });
    onTestFinished(() => instance.stop());
    return { ...instance, own };
  }

  test('cannot be reached for more than 5 seconds ends the streams, and their cursors stay good', async () => {
    const namespace = 'lost';
    await spend(namespace);
    const { url: at, own } = await alone();
    const watching = watch({ namespace }, at);
    const [first] = await own.until(watching.until(isBookmark), aMoment);
    const failure = failureOf(watching.next());
    const [row] = await sql.rows<{ name: string }>('select current_database() as name');
    await sql.rows(`alter database ${row!.name} connection limit 0`);
    await sql.rows(`select pg_terminate_backend(pid, 5000) from ${others}`);
    own.pass(4_000);
    for (let i = 0; i < 100; i++) await aMoment();
    own.pass(3_000);

    expect(await own.until(failure, aMoment)).toMatchObject(unavailable);
    await sql.rows(`alter database ${row!.name} connection limit -1`);
    await spend(namespace);
    const again = watch({ namespace, cursor: first!.cursor }, at);
    expect(placeOf(await own.until(again.next(), aMoment))).toBe('ada 2.1');
  });

  test('is gone for a moment only is not noticed', async () => {
    const namespace = 'blinked';
    await spend(namespace);
    const { url: at, own } = await alone();
    const watching = watch({ namespace }, at);
    await own.until(watching.until(isBookmark), aMoment);
    await sql.rows(`select pg_terminate_backend(pid, 5000) from ${others}`);
    await spend(namespace);
    // Time passes until it is told, on a slow machine as much as a bookmark takes to come.
    const told = watching.until((message) => !isBookmark(message));
    expect(placeOf((await own.until(told, aMoment)).at(-1)!)).toBe('ada 2.1');
  });

  test('does not answer ends the streams too', async () => {
    const namespace = 'hangs';
    await spend(namespace);
    const { url: at, own } = await alone();
    const watching = watch({ namespace }, at);
    await own.until(watching.until(isBookmark), aMoment);
    const session = await openSql(databaseUrl);
    onTestFinished(() => session.end());
    await session.rows('begin');
    await session.rows('lock table writes in access exclusive mode');
    const failure = failureOf(watching.next());
    expect(await own.until(failure, aMoment)).toMatchObject(unavailable);
    await session.rows('rollback');
  });
});
