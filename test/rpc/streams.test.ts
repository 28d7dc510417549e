import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refuse } from '../../src/refusal.ts';
import { collect, failureOf, type WireClient } from './clients.ts';
import { everyLine, serveProbe, signal, type ProbeServer } from './harness.ts';

describe.each(everyLine())('%s', (_protocol, connect, options) => {
  let server: ProbeServer;
  let original: ProbeServer['behaviour'];
  let client: WireClient;
  beforeAll(async () => {
    server = await serveProbe([], options);
    original = { ...server.behaviour };
    client = connect(server.url);
  });
  beforeEach(() => Object.assign(server.behaviour, original));
  afterAll(async () => {
    client.close();
    await server.close();
  });

  test('streams', async () => {
    const messages = await collect(client.follow({ name: 'Ada' }));

    expect(messages.map(({ count }) => count)).toEqual([1, 2, 3]);
  });

  test('ends a stream with the refusal its handler throws midway', async () => {
    const counts: number[] = [];
    server.behaviour.follow = async function* () {
      yield { count: 1 };
      refuse('TOO_MANY_WATCHES', 'one too many', { limit: '1' });
    };
    const read = async () => {
      for await (const { count } of client.follow({ name: 'Ada' })) counts.push(count);
    };

    expect(await failureOf(read())).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_WATCHES',
      metadata: { limit: '1' },
      retryMs: 5_000,
    });
    expect(counts).toEqual([1]);
  });

  test('hides what goes wrong midway in a stream', async () => {
    server.behaviour.follow = async function* () {
      yield { count: 1 };
      throw new Error('select secret from customers');
    };
    expect(await failureOf(collect(client.follow({ name: 'Ada' }, { requestId: 'midway' })))).toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('midway'),
    });
  });

  test('validates the request of a stream', async () => {
    expect(await failureOf(collect(client.follow({})))).toMatchObject({
      reason: 'INVALID_FIELD',
      metadata: { field: 'name' },
    });
  });

  test('makes a stream wait for a slow reader, and stops it when the reader leaves', async () => {
    const total = 2_000;
    const text = 'x'.repeat(64 * 1024);
    const requestId = crypto.randomUUID();
    const stopped = signal();
    let made = 0;
    server.behaviour.follow = async function* () {
      try {
        for (; made < total; made += 1) yield { text, count: made };
      } finally {
        stopped.resolve();
      }
    };
    const hangUp = new AbortController();
    const messages = client.follow({ name: 'Ada' }, { signal: hangUp.signal, requestId });
    const stream = messages[Symbol.asyncIterator]();
    await stream.next();
    // Round trips on the same server give the stream every chance to run ahead.
    for (let trip = 0; trip < 100; trip += 1) await client.unary('write', { name: 'Ada' });
    const madeMeanwhile = made;
    hangUp.abort();
    await stream.next().catch(() => 'failed');

    await stopped.promise;
    expect(madeMeanwhile).toBeLessThan(total / 4);
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      code: 'CANCELED',
    });
  });

  test('sends all of a stream to a reader that keeps up', async () => {
    const total = 2_000;
    server.behaviour.follow = async function* () {
      for (let count = 0; count < total; count += 1) yield { text: 'x'.repeat(1_024), count };
    };
    const messages = await collect(client.follow({ name: 'Ada' }));

    expect(messages.map(({ count }) => count)).toEqual(Array.from({ length: total }, (_, count) => count));
  });
});
