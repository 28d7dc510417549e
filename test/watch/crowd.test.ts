import { afterAll, expect, onTestFinished, test } from 'vitest';
import { grpcCaller } from '../support/grpc-caller.ts';
import { grantRequest } from '../support/requests.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

/** Many watches that begin at once, and those who wait while the database says nothing. */

const LONG_MS = 600_000;
const seen: string[] = [];
const { databaseUrl, time, another } = await testWorld();
const service = await another({
  maxWatches: 5_000,
  staleAfterMs: 5_000,
  limits: { lockTimeoutMs: LONG_MS, statementTimeoutMs: LONG_MS, connectTimeoutMs: LONG_MS },
  onStatement: ({ name }) => seen.push(name),
});
const client = grpcCaller(service.url);
afterAll(() => client.close());

/** Nobody is told anything about books until it is let go. */
async function held() {
  const holder = await openSql(databaseUrl);
  onTestFinished(() => holder.end());
  await holder.rows('begin');
  await holder.rows('lock table books in access exclusive mode');
  return () => holder.rows('rollback');
}

const waiting = (streams: number) => untilSo(`${streams} wait`, () => service.watched().streams === streams);

test('3,000 wait for their turn together, and each is told', async () => {
  await service.answer('BatchCreateGrants', {
    requests: Array.from({ length: 50 }, (_, i) => grantRequest({ customerId: `crowd ${i}` })),
  });
  // What is measured is a crowd, not how long a process takes to connect that opens thousands of streams at both ends.
  const warming = watching(client, 'first');
  await warming.next();
  const release = await held();
  const streams = Array.from({ length: 3_000 }, (_, i) => watching(client, `crowd ${i}`));
  const first = Promise.all(streams.map(({ next }) => next()));
  await waiting(3_001);
  seen.length = 0;
  await release();
  const told = await first;

  expect(told.filter(({ version }) => version === 1)).toHaveLength(50);
  expect(told.filter(({ version }) => version === 0)).toHaveLength(2_950);
  // Rounds of a hundred.
  expect(seen.filter((name) => name === 'locate_books_now').length).toBeLessThan(40);
  expect(seen.length).toBeLessThan(400);
  for (const { cancel } of [warming, ...streams]) cancel();
  await waiting(0);
});

test('who leaves while he waits has left, and is not asked about', async () => {
  const release = await held();
  const { next, cancel } = watching(client, 'left');
  const first = next();
  await untilSo('it waits', () => service.watched().books === 1);
  cancel();
  await expect(first).rejects.toThrow(/Cancelled/);
  await waiting(0);
  expect(service.watched()).toEqual({ streams: 0, books: 0 });
  await release();
});

test('who waits while the database answers nobody is told so in time', async () => {
  // Of books that are shown the poll asks, and hears nothing of them either.
  await watching(client, 'shown').next();
  const release = await held();
  const { failure } = watching(client, 'unheard');
  let failed: object | undefined;
  void failure().then((found) => (failed = found));
  await waiting(2);
  await untilSo('it is told', () => {
    time.pass(1_000);
    return failed !== undefined;
  });

  expect(failed).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });
  await release();
});
