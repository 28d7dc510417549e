import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import { commitBatch } from '../../src/write/commit.ts';
import { createBookCache } from '../../src/book/book-cache.ts';
import { connect, statement, type Database } from '../../src/db/database.ts';
import { processTime } from '../../src/db/clock.ts';
import { uuidMaker } from '../../src/id.ts';
import type { FeedPlace } from '../../src/feed/feed-cursor.ts';
import { readFeedPage, readTails } from '../../src/feed/feed-rows.ts';
import { aConsumption } from '../support/builders.ts';
import { openSql } from '../support/sql.ts';
import { aSubmission } from '../support/submissions.ts';
import { isBookmark, placeOf, watchTransactions } from '../support/following.ts';
import { testWorld } from '../support/world.ts';
import { HANGS_AFTER_MS, untilSo } from '../support/until.ts';

/** A transaction that gets its id early and commits late is neither skipped nor told out of order. */

const { url, databaseUrl, time, sql } = await testWorld({ feeds: { pollMs: 20, bookmarkMs: 60_000 } });
const database = connect({ url: databaseUrl, poolSize: 4, lockTimeoutMs: HANGS_AFTER_MS });
afterAll(() => database.close());
const uuids = uuidMaker(processTime);
const kept = createBookCache(1_000);

let customerId: string;
let shard: number;
let count = 0;
beforeEach(() => {
  customerId = `customer ${++count}`;
  shard = shardOf({ namespace: 'default', customerId });
});

/** A write of the customer, committed by way of a database that may have its own ideas; it waits for the book. */
async function commit(by: Database): Promise<void> {
  const chargeId = `chg_${uuids()}`;
  const command = aConsumption({ chargeId, mode: 'CREDIT_ONLY' });
  const submissions = [aSubmission({ command, customerId })];
  const { results } = await commitBatch(
    { database: by, clock: time.clock, uuids, kept, leewayMs: 0 },
    submissions,
    'patient',
  );
  const [result] = results;
  if ('error' in result!) throw result.error;
}

const XID = statement<{ xid: number }>('take_xid', 'select pg_current_xact_id()::text::bigint as xid');

/** However long: as a connection waits for a lock, not as a batch does. */
const patiently =
  (run: Database['run']): Database['run'] =>
  (one, params) =>
    one.name === 'lock_wait' ? Promise.resolve([]) : run(one, params);

/** The same, but each transaction has its id long before it asks for the lock: it waits for a sign in between. */
function slow(by: Database) {
  const [begun, go] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
  const late: Database = {
    ...by,
    transaction: (work) =>
      by.transaction(async (connection) => {
        const [row] = await connection.run(XID);
        begun.resolve(row!.xid);
        await go.promise;
        return work({ ...connection, run: patiently(connection.run) });
      }),
  };
  return { late, begun: begun.promise, go: () => go.resolve() };
}

/** The same, but a write's position is the id of its transaction and nothing else. */
const byIdAlone = (by: Database): Database => ({
  ...by,
  transaction: (work) =>
    by.transaction((connection) =>
      work({
        ...connection,
        run: (one, params) =>
          connection.run(
            statement(
              `plain_${one.name}`,
              one.text.replace(/greatest\(b\.feed_position, (.*)\) as feed_position/, '$1 as feed_position'),
            ),
            params,
          ),
      }),
    ),
});

/** The versions of the customer as a feed of its shard has them, from a place on and below a horizon. */
async function page(from: FeedPlace, horizon: number) {
  const range = { shard, namespace: 'default', from, end: horizon, limit: 1_000 };
  const { items, next } = await database.snapshot((connection) => readFeedPage(connection, range));
  const own = items.filter((item) => item.customerId === customerId);
  return { versions: own.map(({ transaction }) => transaction.version), next };
}
const START: FeedPlace = { position: 0, inside: null };
const tailNow = async () => (await database.snapshot((connection) => readTails(connection, [shard])))[0]!;
const horizonNow = async (): Promise<number> => (await tailNow()).horizon;

/** Until the horizon has passed all that is committed: others on this server, other tests included, hold it back too. */
async function allIsTold(): Promise<void> {
  const isTold = async () => {
    const { horizon, last } = await tailNow();
    return horizon > last;
  };
  await untilSo('the horizon has passed all that is committed', isTold);
}

describe('a transaction that had its id first and commits last', () => {
  test('is told last, after what it had waited for, and holds that back until then', async () => {
    await commit(database);
    await allIsTold();
    const { late, begun, go } = slow(database);
    const second = commit(late);
    const early = await begun;
    await commit(database);
    const watching = watchTransactions(url, {}, time);
    onTestFinished(() => watching.end());
    expect(await horizonNow()).toBeLessThanOrEqual(early);
    expect((await page(START, await horizonNow())).versions).toEqual([1]);

    go();
    await second;
    const told = await watching.until((message) => placeOf(message) === `${customerId} 3.1`);
    const own = told.map(placeOf).filter((place) => place.startsWith(customerId));
    expect(own).toEqual([1, 2, 3].map((version) => `${customerId} ${version}.1`));
  });

  test('takes the position of who held the lock it waited for', async () => {
    await commit(database);
    const { late, begun, go } = slow(database);
    const second = commit(late);
    const early = await begun;
    const holder = await openSql(databaseUrl);
    onTestFinished(() => holder.end());
    await holder.rows('begin');
    const [held] = await holder.rows<{ position: number }>(
      `update books set feed_position = pg_current_xact_id()::text::bigint
       where shard = $1 and customer_id = $2 returning feed_position as position`,
      [shard, customerId],
    );
    go();
    const waits = `select 1 from pg_locks where not granted and locktype = 'transactionid'
      and transactionid::text::bigint = $1 % 4294967296`;
    await untilSo('it waits', async () => (await sql.rows(waits, [held!.position])).length > 0);
    await holder.rows('commit');
    await second;

    const [last] = await sql.rows<{ position: number }>(
      `select w.feed_position as position from writes w join books b on b.id = w.book_id
       where b.customer_id = $1 and w.version = 2`,
      [customerId],
    );
    expect(held!.position).toBeGreaterThan(early);
    expect(last).toEqual(held);
  });

  test('would be told out of order by its id alone', async () => {
    const plain = byIdAlone(database);
    await commit(plain);
    const { late, begun, go } = slow(plain);
    const second = commit(late);
    await begun;
    await commit(plain);
    go();
    await second;

    expect((await page(START, Number.MAX_SAFE_INTEGER)).versions).toEqual([1, 3, 2]);
  });

  test('would be missed by who reads all there is to see', async () => {
    await commit(database);
    await allIsTold();
    const other = `${customerId} too`;
    const { late, begun, go } = slow(database);
    const second = commit(late);
    await begun;
    // Something later, in the same shard.
    const later = connect({ url: databaseUrl, poolSize: 1 });
    await commitOf(later, sameShard(other));
    await later.close();
    const greedy = await page(START, (await tailNow()).last + 1);
    const patient = await page(START, await horizonNow());
    go();
    await second;

    expect((await page(greedy.next, Number.MAX_SAFE_INTEGER)).versions).toEqual([]);
    expect((await page(patient.next, Number.MAX_SAFE_INTEGER)).versions).toEqual([2]);
  });
});

/** A customer whose book lives in the same shard. */
function sameShard(name: string): string {
  for (let i = 0; ; i++)
    if (shardOf({ namespace: 'default', customerId: `${name} ${i}` }) === shard) return `${name} ${i}`;
}

async function commitOf(by: Database, customer: string): Promise<void> {
  const before = customerId;
  customerId = customer;
  await commit(by);
  customerId = before;
}

describe('while a transaction of somebody else stays open', () => {
  /** Somebody who has written something and does not commit. */
  async function somebody() {
    const session = await openSql(databaseUrl);
    onTestFinished(() => session.end());
    await session.rows('begin');
    await session.rows('select pg_current_xact_id()');
    return session;
  }

  test('a customer’s stream goes on', async () => {
    await commit(database);
    await somebody();
    await commit(database);
    const watching = watchTransactions(url, { customerId }, time);
    onTestFinished(() => watching.end());
    expect(placeOf(await watching.next())).toBe(`${customerId} 1.1`);
    expect(placeOf(await watching.next())).toBe(`${customerId} 2.1`);
    await commit(database);
    expect(placeOf(await watching.next())).toBe(`${customerId} 3.1`);
  });

  test('a namespace’s stream waits, promises nothing, and goes on when it ends', async () => {
    const started = time.now;
    const session = await somebody();
    time.now += 1_000;
    await commit(database);
    const watching = watchTransactions(url, {}, time);
    onTestFinished(() => watching.end());
    const told = watching.until(isBookmark);
    const [row] = await sql.rows<{ last: number }>('select max(feed_position) as last from writes');
    expect(await horizonNow()).toBeLessThanOrEqual(row!.last);
    await session.rows('commit');

    const messages = await told;
    expect(messages.map(placeOf)).toContain(`${customerId} 1.1`);
    expect(messages.at(-1)!.event.value).toMatchObject({ completeTo: {} });
    expect(time.now).toBe(started + 1_000);
  });
});
