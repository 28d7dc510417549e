import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createClock } from '../../src/db/clock.ts';
import { connect, type Database } from '../../src/db/database.ts';
import { createFeeds, type FeedRequest } from '../../src/feed/feeds.ts';
import type { FeedEvent } from '../../src/feed/follow.ts';
import { createSignals } from '../../src/live/signals.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';

/** How a stream reads: page by page, as it is taken, in few statements; woken by signals, and by the poll without any. */

const { caller, databaseUrl } = await testWorld();
const statements: string[] = [];
const database = connect({
  url: databaseUrl,
  poolSize: 4,
  onStatement: ({ name }) => statements.push(name),
});
const signals = createSignals();
const HOUR = 3_600_000;
const OPTIONS = {
  database,
  clock: createClock(),
  signals,
  staleAfterMs: HOUR,
  // Nothing comes by itself in this file.
  pollMs: HOUR,
  bookmarkMs: HOUR,
  onFailure: () => undefined,
};
const feeds = createFeeds(OPTIONS);
afterAll(async () => {
  await feeds.close();
  await database.close();
});
beforeEach(() => void (statements.length = 0));

const reads = () => statements.filter((name) => name === 'feed_writes').length;

function open(namespace: string, customerId: string | null = null, from: FeedRequest['from'] = 'beginning') {
  const over = new AbortController();
  const events = feeds.watch({ namespace, customerId, from }, over.signal);
  onTestFinished(async () => {
    over.abort();
    await events.return();
  });
  const next = async (): Promise<FeedEvent> => (await events.next()).value as FeedEvent;
  return { next, end: () => over.abort(), events };
}

const versionOf = (event: FeedEvent): number =>
  event.kind === 'transaction' ? event.transaction.version : Number.NaN;

const spend = async (namespace: string, times: number, customerId = 'ada'): Promise<void> => {
  const one = spendRequest({ namespace, customerId, amount: '1', ...CREDIT_ONLY });
  await caller.answer('BatchConsumeCredits', { requests: Array.from({ length: times }, () => one) });
};

describe('a page', () => {
  test('is read when the one before has been taken, and not sooner', async () => {
    await spend('slow', 1_000);
    const { next } = open('slow');
    expect(versionOf(await next())).toBe(1);
    // More than one where somebody else's transaction held the horizon back for a moment.
    const first = reads();
    let version = 1;
    while (reads() === first) version = versionOf(await next());
    // It had many, and not all.
    expect(version).toBeGreaterThan(50);
    expect(version).toBeLessThan(500);
    while (version < 1_000) version = versionOf(await next());
    expect((await next()).kind).toBe('bookmark');
  });

  test.each([2, 60])('of %i transactions takes three statements', async (times) => {
    const namespace = `page-${times}`;
    await spend(namespace, times);
    const { next } = open(namespace);
    await next();
    const shards = reads();
    while (versionOf(await next()) < times);
    const asked = statements.filter((name) => /^(transactions|entries)_of_/.test(name));
    expect(asked).toEqual(['transactions_of_writes', 'entries_of_transactions']);
    // One for each of the shards that were read together: others have writes, too.
    expect(shards).toBeLessThanOrEqual(4);
  });
});

describe.each([null, 'ada'])('a stream that has told all (customer %s)', (customerId) => {
  test('is woken by a signal of its shard, without any poll', async () => {
    const namespace = `woken-${customerId ?? 'all'}`;
    await spend(namespace, 1);
    const { next } = open(namespace, customerId);
    expect(versionOf(await next())).toBe(1);
    expect((await next()).kind).toBe('bookmark');
    await spend(namespace, 1);
    const shard = shardOf({ namespace, customerId: 'ada' });
    const heard = next();
    signals.emit([{ shard, bookId: 1, version: 2 }]);
    expect(versionOf(await heard)).toBe(2);
  });

  test('looks at the shards that are signaled, and at nothing else', async () => {
    const namespace = `still-${customerId ?? 'all'}`;
    await spend(namespace, 1);
    const { next } = open(namespace, customerId);
    expect(versionOf(await next())).toBe(1);
    expect((await next()).kind).toBe('bookmark');
    statements.length = 0;
    await spend(namespace, 1);
    const heard = next();
    signals.emit([{ shard: shardOf({ namespace, customerId: 'ada' }), bookId: 1, version: 2 }]);
    await heard;
    const marks = statements.filter((name) => name === 'feed_mark');
    expect(marks).toEqual([]);
    // Once, or a few times while transactions of others were open.
    expect(statements.filter((name) => name === 'feed_tail').length).toBeLessThan(64);
  });
});

test('what an older transaction holds back is looked for, and not read before it can be', async () => {
  const namespace = 'held-back';
  const shard = shardOf({ namespace, customerId: 'ada' });
  const looks = () => statements.filter((name) => name === 'feed_tail').length;
  /** Looks at the shard so many times: once by a signal, then by itself, as long as something is held back. */
  const looked = async (times: number) => {
    statements.length = 0;
    signals.emit([{ shard, bookId: 1, version: 2 }]);
    await untilSo('the shard has been looked at', () => looks() >= times);
  };
  await spend(namespace, 1);
  const { next } = open(namespace);
  expect(versionOf(await next())).toBe(1);
  expect((await next()).kind).toBe('bookmark');
  const older = await openSql(databaseUrl);
  onTestFinished(() => older.end());
  await older.rows('begin');
  await older.rows('select pg_current_xact_id()');
  const heard = next();
  await looked(1);
  await spend(namespace, 1);
  await looked(7);

  // Once at most, where something older than that ended meanwhile.
  expect(reads()).toBeLessThanOrEqual(1);
  await older.rows('commit');
  expect(versionOf(await heard)).toBe(2);
});

test('a look that fails is taken again long before the next poll', async () => {
  const failures = [new Error('the first look'), new Error('the second')];
  const reported: unknown[] = [];
  const flickering: Database = {
    ...database,
    transaction: (work) => {
      const failure = failures.shift();
      return failure === undefined ? database.transaction(work) : Promise.reject(failure);
    },
  };
  const onFailure = (error: unknown) => void reported.push(error);
  const retried = createFeeds({ ...OPTIONS, database: flickering, onFailure });
  await spend('flickers', 1);
  const over = new AbortController();
  const events = retried.watch({ namespace: 'flickers', customerId: null, from: 'beginning' }, over.signal);
  const { value } = await events.next();
  over.abort();
  await events.return();
  await retried.close();

  expect(versionOf(value as FeedEvent)).toBe(1);
  expect(reported).toEqual([new Error('the first look'), new Error('the second')]);
});

test('streams of one process share their looks', async () => {
  await spend('shared', 1);
  const looksAtShards = async (): Promise<number> => {
    statements.length = 0;
    const streams = Array.from({ length: 20 }, () => open('shared'));
    await Promise.all(streams.map(({ next }) => next()));
    return statements.filter((name) => name === 'feed_tail').length;
  };
  // 64 shards at a look: for each of 20 it would be 1,280 at least. What somebody else's transaction, in any database of
  // the server, holds back for a moment is looked at again: then it is asked once more.
  let looked = await looksAtShards();
  for (let again = 0; looked >= 640 && again < 5; again += 1) looked = await looksAtShards();
  expect(looked).toBeLessThan(640);
});

test('a stream that is over leaves nothing behind', async () => {
  await spend('over', 1);
  const { next, end, events } = open('over');
  await next();
  expect((await next()).kind).toBe('bookmark');
  const last = events.next();
  end();
  expect(await last).toMatchObject({ done: true });
});

test('a quiet namespace gets its bookmarks while others write without a pause', async () => {
  const busy = createFeeds({ ...OPTIONS, pollMs: 20, bookmarkMs: 5 });
  await spend('quiet', 1);
  const over = new AbortController();
  const events = busy.watch({ namespace: 'quiet', customerId: null, from: 'beginning' }, over.signal);
  const writing = { on: true };
  const others = Array.from({ length: 4 }, async (_, i) => {
    while (writing.on) await spend('loud', 50, `c ${i}`);
  });
  const promised: number[] = [];
  // Each later than the one before: all of a look would be one and the same.
  while (new Set(promised).size < 5) {
    const { value } = await events.next();
    if ((value as FeedEvent).kind === 'bookmark') promised.push((value as { completeTo: number }).completeTo);
  }
  writing.on = false;
  await Promise.all(others);
  over.abort();
  await events.return();
  await busy.close();

  expect(promised).toEqual(promised.toSorted((a, b) => a - b));
});
