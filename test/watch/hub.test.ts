import { afterAll, expect, test } from 'vitest';
import { createBookCache } from '../../src/book/book-cache.ts';
import { connect } from '../../src/db/database.ts';
import { createStreamSlots } from '../../src/live/stream-slots.ts';
import { createLog } from '../../src/log.ts';
import { ALL } from '../../src/scope.ts';
import { createHub } from '../../src/watch/hub.ts';
import { testClock } from '../support/clock.ts';
import { testDatabase } from '../support/postgres.ts';

/** Streams of balances as whoever reads them sees them begin and end. */

const { url } = await testDatabase();
const database = connect({ url, poolSize: 1 });
const { clock } = testClock();
const slots = createStreamSlots(10, 'no more');
const kept = createBookCache(0);
const options = {
  database,
  clock,
  kept,
  slots,
  log: createLog('silent'),
  pollMs: 1_000,
  staleAfterMs: 3_000,
};
const hub = createHub({ ...options, heartbeatMs: 15_000 });
afterAll(async () => {
  await hub.close();
  await database.close();
});

const WATCH = {
  key: { namespace: 'default', customerId: 'ada' },
  watched: { currencies: [], scope: ALL, parts: new Set(['settled'] as const), below: [] },
  lastVersion: 0,
};

const ended = { done: true, value: undefined };

test('a stream that is hung up before its first message ends', async () => {
  const over = new AbortController();
  over.abort();

  expect(await hub.watch(WATCH, over.signal).next()).toEqual(ended);
  expect([hub.books(), slots.taken()]).toEqual([0, 0]);
});

test('a stream that is hung up while it waits ends', async () => {
  const over = new AbortController();
  const stream = hub.watch(WATCH, over.signal);
  expect((await stream.next()).value).toMatchObject({ version: 0 });
  const last = stream.next();
  over.abort();

  expect(await last).toEqual(ended);
  expect([hub.books(), slots.taken()]).toEqual([0, 0]);
});
