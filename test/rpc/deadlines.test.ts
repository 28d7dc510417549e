import { once } from 'node:events';
import * as http2 from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { failureOf, protocols } from './clients.ts';
import { serveProbe, signal, type LogLine } from './harness.ts';

/** How long a call is waited for, by a clock that a test moves: minutes pass at once. */

describe.each(Object.entries(protocols))('%s', (_protocol, connect) => {
  async function setUp() {
    const time = testClock();
    const server = await serveProbe([], { clock: time.clock, graceMs: 10_000 });
    const client = connect(server.url);
    // A handler that has begun and never answers.
    const begun = signal();
    const told = signal<number | undefined>();
    server.behaviour.read = (_request, { signal: over, timeoutMs }) => {
      begun.resolve();
      over.addEventListener('abort', () => told.resolve(timeoutMs()));
      return new Promise(() => {});
    };
    onTestFinished(() => client.close());
    onTestFinished(() => time.until(server.close()));
    const reading = async (options: { timeoutMs?: number } = {}) => {
      const failure = failureOf(client.unary('read', { name: 'Ada' }, options));
      await begun.promise;
      return { failure };
    };
    return { time, server, told, reading };
  }
  const tooLate = { code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED' };

  test('a unary call without a deadline ends after a minute, and the handler is told', async () => {
    const { time, told, reading } = await setUp();
    const { failure } = await reading();
    time.pass(59_000);
    time.pass(1_000);

    expect(await failure).toMatchObject(tooLate);
    expect(await told.promise).toBe(0);
  });

  test('a deadline beyond that counts for no more', async () => {
    const { time, told, reading } = await setUp();
    const { failure } = await reading({ timeoutMs: 3_600_000 });
    time.pass(60_000);

    expect(await failure).toMatchObject(tooLate);
    expect(await told.promise).toBe(0);
  });

  test('a deadline stays where it was when the clock is set back', async () => {
    const { time, reading } = await setUp();
    const { failure } = await reading({ timeoutMs: 50_000 });
    time.now -= 86_400_000;
    time.pass(50_000);

    expect(await failure).toMatchObject(tooLate);
  });

  test('a server that stops gives calls their grace, and no more', async () => {
    const { time, server, reading } = await setUp();
    const { failure } = await reading();
    const closing = server.close();
    time.pass(10_000);

    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
    await time.until(closing);
  });
});

test.each(['application/grpc', 'application/grpc-web', 'application/connect+proto'])(
  'a stream whose request is never sent to its end is waited for as long as a call: %s',
  async (contentType) => {
    const time = testClock();
    const server = await serveProbe([], { clock: time.clock });
    const session = http2.connect(server.url).on('error', () => undefined);
    onTestFinished(async () => {
      session.destroy();
      await time.until(server.close());
    });
    const requestId = crypto.randomUUID();
    const stream = session.request({
      ':method': 'POST',
      ':path': '/wiretest.v1.Probe/Follow',
      'content-type': contentType,
      'x-request-id': requestId,
    });
    stream.on('error', () => undefined).write(Buffer.from([0]));
    const isIts = (line: LogLine) => line['requestId'] === requestId;
    await once(stream, 'ready');
    // What was sent before a ping that is answered has been read.
    await new Promise((resolve) => session.ping(resolve));
    time.pass(59_000);
    expect(server.log.lines.filter(isIts)).toEqual([]);
    time.pass(1_000);

    expect(await server.log.line(isIts)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  },
);
