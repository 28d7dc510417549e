import { describe, expect, onTestFinished, test } from 'vitest';
import { protocols } from './clients.ts';
import { serveProbe, signal } from './harness.ts';

/** More streams on one connection than it may have calls under way. */

const STREAMS = 400;

const overHttp2 = Object.entries(protocols).filter(([name]) => /^gRPC \(|HTTP\/2/.test(name));

describe.each(overHttp2)('streams that last: %s', (_protocol, connect) => {
  test('take no place of calls, nor of each other, however many there are', async () => {
    const server = await serveProbe();
    const over = signal();
    server.behaviour.follow = async function* ({ name }) {
      yield { text: name, count: 1 };
      await over.promise;
    };
    const client = connect(server.url);
    onTestFinished(async () => {
      over.resolve();
      client.close();
      await server.close();
    });
    const streams = Array.from({ length: STREAMS }, () =>
      client.follow({ name: 'Ada' })[Symbol.asyncIterator](),
    );
    const first = await Promise.all(streams.map((stream) => stream.next()));

    expect(first.filter(({ done }) => done !== true)).toHaveLength(STREAMS);
    expect(await client.unary('read', { name: 'Eve' })).toMatchObject({ text: 'hello Eve' });
  });
});
