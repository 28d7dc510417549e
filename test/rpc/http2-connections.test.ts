import { once } from 'node:events';
import * as http2 from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createHttp2Connections } from '../../src/rpc/transport/http2-connections.ts';
import {
  CONNECTION_AGE_MS,
  CONNECTION_IDLE_MS,
  KEEPALIVE_EVERY_MS,
  KEEPALIVE_TIMEOUT_MS,
} from '../../src/rpc/transport/limits.ts';
import { testClock } from '../support/clock.ts';

/** How connections are looked after: whether their peers are there, and when they are told to go elsewhere. */

const time = testClock();
/** Streams wait here until a test answers them. */
let streams: http2.ServerHttp2Stream[] = [];
beforeEach(() => void (streams = []));

const { accept } = createHttp2Connections((stream) => void streams.push(stream), {
  clock: time.clock,
  network: time.clock,
  random: () => 0.5,
});
const server = createServer(accept).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
afterAll(() => void server.close());

async function client() {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

/** What the other side has sent by now has been heard there, and the answer here. */
const heard = (session: http2.ClientHttp2Session) =>
  new Promise<void>((resolve) => void session.ping(() => resolve()));

async function ask(session: http2.ClientHttp2Session) {
  const before = streams.length;
  const request = session.request({ ':path': '/' });
  await heard(session);
  expect(streams).toHaveLength(before + 1);
  return { request, stream: streams.at(-1)! };
}

/** A peer that reads, and says nothing but how it begins. */
async function silentPeer(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const settings = Buffer.from('000000040000000000', 'hex');
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]));
  await once(socket, 'data');
  return socket;
}

describe('a connection', () => {
  test('is broken where its peer answers no ping', async () => {
    const socket = await silentPeer();
    const closed = once(socket, 'close');
    time.pass(KEEPALIVE_EVERY_MS);
    await once(socket, 'data');
    expect(socket.destroyed).toBe(false);
    time.pass(KEEPALIVE_TIMEOUT_MS);
    await closed;
  });

  test('goes on where its peer does', async () => {
    const session = await client();
    const { request, stream } = await ask(session);
    for (let i = 0; i < 5; i += 1) {
      const pinged = once(session, 'ping');
      time.pass(KEEPALIVE_EVERY_MS);
      await pinged;
      await heard(session);
    }
    stream.respond({ ':status': 200 }, { endStream: true });
    expect((await once(request, 'response'))[0]).toMatchObject({ ':status': 200 });
    expect(session.closed).toBe(false);
  });

  test('over which nothing goes is told to go, and closes', async () => {
    const session = await client();
    const gone = once(session, 'goaway');
    time.pass(CONNECTION_IDLE_MS);
    expect((await gone)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR);
    if (!session.destroyed) await once(session, 'close');
  });

  test('that is old takes no more, and its streams go on', async () => {
    const session = await client();
    const { request, stream } = await ask(session);
    const gone = once(session, 'goaway');
    time.pass(CONNECTION_AGE_MS);
    await gone;

    stream.respond({ ':status': 200 }, { endStream: true });
    expect((await once(request, 'response'))[0]).toMatchObject({ ':status': 200 });
    request.resume();
    if (!session.destroyed) await once(session, 'close');
  });

  test('that is young and has a stream is left alone, however long nothing goes over it', async () => {
    const session = await client();
    const { stream } = await ask(session);
    time.pass(CONNECTION_IDLE_MS);
    await heard(session);
    expect(session.closed).toBe(false);
    stream.close();
  });
});
