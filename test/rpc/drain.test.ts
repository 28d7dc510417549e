import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { untilSo } from '../support/until.ts';
import { protocols } from './clients.ts';
import { headFrame, PREFACE } from './frames.ts';
import { serveProbe, signal } from './harness.ts';

/** How callers are sent elsewhere, and what does not hold up the end. */

async function served(options: Parameters<typeof serveProbe>[1] = {}) {
  const server = await serveProbe([], options);
  onTestFinished(() => server.close());
  return server;
}

/** A caller who keeps one connection for as long as he is not told that it closes. */
function keptAlive(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return (name = 'Ada') =>
    new Promise<{ readonly text: string; readonly connection: string | undefined }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(
        `${url}/wiretest.v1.Probe/Write`,
        { agent, method: 'POST', headers },
        (response) => {
          const { connection } = response.headers;
          text(response).then((body) => resolve({ text: body, connection }), reject);
        },
      );
      sent.on('error', reject).end(JSON.stringify({ name }));
    });
}

describe('a server that is drained', () => {
  test.each(Object.entries(protocols))('answers %s on, by connections old and new', async (_name, client) => {
    const server = await served();
    const old = client(server.url);
    await old.unary('write', { name: 'Ada' });
    server.drain();
    const late = client(server.url);
    onTestFinished(() => {
      old.close();
      late.close();
    });

    expect(await old.unary('write', { name: 'Ada' })).toMatchObject({ text: 'wrote Ada' });
    expect(await late.unary('write', { name: 'Ada' })).toMatchObject({ text: 'wrote Ada' });
  });

  test('says over HTTP/1.1 that the connection closes, also in an answer that was under way', async () => {
    const server = await served();
    const [started, proceed] = [signal(), signal()];
    server.behaviour.write = async ({ name }) => {
      if (name === 'slow') started.resolve();
      if (name === 'slow') await proceed.promise;
      return { text: name };
    };
    const [ask, askSlowly] = [keptAlive(server.url), keptAlive(server.url)];
    expect((await ask()).connection).toBe('keep-alive');
    const slow = askSlowly('slow');
    await started.promise;
    server.drain();
    proceed.resolve();

    expect((await slow).connection).toBe('close');
    expect((await ask()).connection).toBe('close');
  });

  test('breaks off no request of a caller who heeds that', async () => {
    const server = await served();
    let answered = 0;
    const asking = Array.from({ length: 20 }, async () => {
      const ask = keptAlive(server.url);
      while ((await ask()).connection !== 'close') answered += 1;
    });
    await untilSo('all ask', () => answered > 200);
    server.drain();
    const told = Promise.all(asking);

    await expect(told).resolves.toHaveLength(20);
    await server.close();
  });
});

describe('a request that is never sent to its end', () => {
  const HEAD =
    'POST /wiretest.v1.Probe/Write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n';
  const headersOf = (contentType: string) =>
    headFrame('/wiretest.v1.Probe/Write', { 'content-type': contentType });

  test.each<[what: string, sent: Buffer]>([
    ['head', Buffer.from(HEAD.slice(0, 30))],
    ['body', Buffer.from(`${HEAD}{"name"`)],
    ['gRPC message', Buffer.concat([PREFACE, headersOf('application/grpc')])],
    ['gRPC-Web message over HTTP/2', Buffer.concat([PREFACE, headersOf('application/grpc-web')])],
    ['Connect message over HTTP/2', Buffer.concat([PREFACE, headersOf('application/json')])],
  ])('holds up the end by a second, whatever the grace: half a %s', async (_what, sent) => {
    const time = testClock();
    const server = await served({ clock: time.clock, graceMs: 60_000 });
    const socket: Socket = connect({ port: server.port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    socket.write(sent);
    // What was written before a call that is answered has been read.
    await keptAlive(server.url)();
    const closed = server.close();
    await time.until(closed);

    expect(time.clock.monotonic()).toBeGreaterThan(0);
    expect(time.clock.monotonic()).toBeLessThan(60_000);
  });
});
