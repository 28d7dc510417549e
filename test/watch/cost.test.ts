import { afterAll, expect, test } from 'vitest';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

/** What keeping watches current asks of the database. */

const seen: string[] = [];
const { url, caller, time, another } = await testWorld({ onStatement: ({ name }) => seen.push(name) });
const other = await another({ onStatement: () => undefined });
const client = grpcCaller(url);
afterAll(() => client.close());

const customers = Array.from({ length: 40 }, (_, i) => `watched ${i}`);
const LOADS = new Set(['locate_books_now', 'open_grants']);

/** Two streams for each customer, who all have credit. */
async function open(more: object = {}) {
  await caller.answer('BatchCreateGrants', {
    requests: customers.map((customerId) => grantRequest({ customerId, ...more })),
  });
  const streams = [...customers, ...customers].map((customerId) => watching(client, customerId));
  await Promise.all(streams.map(({ next }) => next()));
  seen.length = 0;
  return streams;
}

test('an instant that comes for every book at once asks nothing', async () => {
  // Sooner than the next poll.
  const streams = await open({ expiresAt: at(time.now + 500) });
  time.now += 500;
  const told = await Promise.all(streams.map(({ next }) => next()));

  expect(told.filter(({ causes }) => causes[0] === 'GRANT_EXPIRED')).toHaveLength(80);
  expect(seen).toEqual([]);
});

test('a write of this instance asks nothing beyond the write', async () => {
  const [first, ...others] = await open();
  await caller.answer('ConsumeCredits', spendRequest({ customerId: customers[0] }));
  await first!.news();
  await others[39]!.news();

  expect(seen.filter((name) => name === 'locate_books_now')).toEqual([]);
});

test('a write of another instance is loaded once, however many streams it concerns', async () => {
  const [first, ...others] = await open();
  await other.answer('ConsumeCredits', spendRequest({ customerId: customers[0] }));
  seen.length = 0;
  time.now += 1_000;
  await first!.news();
  await others[39]!.news();

  const loads = seen.filter((name) => LOADS.has(name)).toSorted((a, b) => (a < b ? -1 : 1));
  expect(loads).toEqual(['locate_books_now', 'open_grants']);
  expect(seen.filter((name) => name === 'books_newer_than')).toHaveLength(1);
});
