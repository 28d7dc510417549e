import { describe, expect, onTestFinished, test } from 'vitest';
import { failureOf } from './clients.ts';
import { everyLine, serveProbe, signal } from './harness.ts';

describe.each(everyLine())('%s', (_protocol, connect, options) => {
  async function setUp(graceMs = 10_000) {
    const server = await serveProbe([], { ...options, graceMs });
    const client = connect(server.url);
    onTestFinished(() => client.close());
    onTestFinished(() => server.close());
    return { server, client };
  }

  test('an open stream ends with SHUTTING_DOWN and closes its handler', async () => {
    const { server, client } = await setUp();
    const stopped = signal();
    server.behaviour.follow = async function* (_request, context) {
      try {
        yield { count: 1 };
        await new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
        });
      } finally {
        stopped.resolve();
      }
    };
    const stream = client.follow({ name: 'Ada' })[Symbol.asyncIterator]();
    await stream.next();
    const closed = server.close();

    expect(await failureOf(stream.next())).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'SHUTTING_DOWN',
      retryMs: 1_000,
    });
    await stopped.promise;
    await closed;
  });

  test('a unary call in flight is answered before the server is gone', async () => {
    const { server, client } = await setUp();
    const started = signal();
    const proceed = signal();
    server.behaviour.write = async () => {
      started.resolve();
      await proceed.promise;
      return { text: 'done' };
    };
    const call = client.unary('write', { name: 'Ada' });
    await started.promise;
    const closed = server.close();
    proceed.resolve();

    expect(await call).toMatchObject({ text: 'done' });
    await closed;
  });

  test('a unary call that outlasts the grace is ended', async () => {
    const { server, client } = await setUp(20);
    const started = signal();
    server.behaviour.write = () => {
      started.resolve();
      return new Promise(() => {});
    };
    const call = client.unary('write', { name: 'Ada' });
    await started.promise;
    const closed = server.close();

    expect(await failureOf(call)).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
    await closed;
  });

  test('a reader that has stopped reading does not hold up the end', async () => {
    const { server, client } = await setUp(20);
    server.behaviour.follow = async function* () {
      for (;;) yield { text: 'x'.repeat(64 * 1024) };
    };
    const stream = client.follow({ name: 'Ada' })[Symbol.asyncIterator]();
    await stream.next();

    await expect(server.close()).resolves.toBeUndefined();
  });

  test('an idle connection does not hold up the end', async () => {
    const { server, client } = await setUp();
    await client.unary('read', { name: 'Ada' });

    await expect(server.close()).resolves.toBeUndefined();
  });
});
