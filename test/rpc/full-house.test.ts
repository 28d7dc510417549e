import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createReadiness } from '../../src/live/readiness.ts';
import { createHealth } from '../../src/rpc/health.ts';
import { collect, failureOf, grpcFailure, jsonFailure, protocols, type CallOptions } from './clients.ts';
import { serveProbe, signal } from './harness.ts';

/** A server with one slot, which a call has that does not end by itself. */

async function fullHouse() {
  const server = await serveProbe([createHealth([], createReadiness())], { maxCalls: 1 });
  onTestFinished(() => server.close());
  const begun = signal();
  const answer = signal();
  server.behaviour.read = async ({ name }) => {
    if (name === 'Ada') {
      begun.resolve();
      await answer.promise;
    }
    return { text: `hello ${name}` };
  };
  return { server, begun: begun.promise, answer: answer.resolve };
}

const NOT_A_MESSAGE = Buffer.from([0xff, 0xff, 0xff]);
const OVERLOADED = { reason: 'OVERLOADED', metadata: { limit: '1' }, retryMs: 250 };
const impatient = { timeoutMs: 1_000 };

/** Who sends what is no message, and waits a second: how a server is told apart that looks at it from one that does not. */
const senders = {
  gRPC: (url: string) =>
    new Promise((resolve) => {
      const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
      const asIs = (value: Buffer) => value;
      const deadline = Date.now() + 1_000;
      client.makeUnaryRequest('/wiretest.v1.Probe/Read', asIs, asIs, NOT_A_MESSAGE, { deadline }, (error) => {
        client.close();
        resolve(error === null ? 'taken' : grpcFailure(error).seen);
      });
    }),
  'HTTP/1.1': async (url: string) => {
    const headers = { 'content-type': 'application/proto', 'connect-timeout-ms': '1000' };
    const response = await fetch(`${url}/wiretest.v1.Probe/Read`, {
      method: 'POST',
      body: NOT_A_MESSAGE,
      headers,
    });
    return jsonFailure((await response.json()) as never).seen;
  },
};

describe.each(Object.entries(senders))('over %s', (_protocol, send) => {
  test('what cannot be decoded is refused unseen while the house is full, and told what it is when there is room', async () => {
    const { server, begun, answer } = await fullHouse();
    const first = protocols['gRPC (grpc-js)'](server.url);
    onTestFinished(() => first.close());
    const under = first.unary('read', { name: 'Ada' });
    await begun;
    expect(await send(server.url)).toMatchObject(OVERLOADED);
    answer();
    await under;

    expect(await send(server.url)).toMatchObject({ reason: 'INVALID_FIELD' });
  });
});

describe.each(Object.entries(protocols))('%s', (_protocol, connect) => {
  const open = (url: string) => {
    const client = connect(url);
    onTestFinished(() => client.close());
    return client;
  };

  test('a call of a full house is refused, with when to try again', async () => {
    const { server, begun, answer } = await fullHouse();
    const client = open(server.url);
    const first = client.unary('read', { name: 'Ada' });
    await begun;

    expect(await failureOf(client.unary('read', { name: 'Eve' }, impatient))).toMatchObject(OVERLOADED);
    answer();
    expect(await first).toMatchObject({ text: 'hello Ada' });
  });

  test('health is answered, and streams go on', async () => {
    const { server, begun, answer } = await fullHouse();
    const client = open(server.url);
    const first = client.unary('read', { name: 'Ada' });
    await begun;
    const response = await fetch(`${server.url}/grpc.health.v1.Health/Check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });

    expect(await response.json()).toEqual({ status: 'SERVING' });
    expect(await collect(client.follow({ name: 'Eve' }))).toHaveLength(3);
    answer();
    await first;
  });

  type Call = (options?: CallOptions) => Promise<unknown>;
  const endings: Readonly<
    Record<string, (call: Call, house: Awaited<ReturnType<typeof fullHouse>>) => Promise<unknown>>
  > = {
    'is answered': (call, { answer }) => {
      answer();
      return call();
    },
    'is left by its caller': async (call, { begun }) => {
      const controller = new AbortController();
      const left = call({ signal: controller.signal }).catch(() => undefined);
      await begun;
      controller.abort();
      return left;
    },
    'passes its deadline': (call) => failureOf(call({ timeoutMs: 20 })),
  };

  test.each(Object.entries(endings))('a call that %s gives its slot back', async (_how, end) => {
    const house = await fullHouse();
    const client = open(house.server.url);
    await end((options = {}) => client.unary('read', { name: 'Ada' }, options), house);

    // It can wait, for the server may hear of the end later than who caused it.
    expect(await client.unary('read', { name: 'Eve' })).toMatchObject({ text: 'hello Eve' });
  });

  test('a call that is refused gives its slot back', async () => {
    const { server } = await fullHouse();
    const client = open(server.url);
    expect(await failureOf(client.unary('read', { name: '' }))).toMatchObject({ reason: 'INVALID_FIELD' });

    expect(await client.unary('read', { name: 'Eve' }, impatient)).toMatchObject({ text: 'hello Eve' });
  });
});

describe('a connection that breaks in the middle of a request gives its slot back', () => {
  const path = '/wiretest.v1.Probe/Read';
  const overHttp2 = (contentType: string) => async (url: string) => {
    const session = connectHttp2(url).on('error', () => undefined);
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': contentType });
    stream.on('error', () => undefined).write(Buffer.from([0]));
    await new Promise((resolve) => session.ping(resolve));
    return () => session.destroy();
  };
  const begin = {
    gRPC: overHttp2('application/grpc'),
    'gRPC-Web over HTTP/2': overHttp2('application/grpc-web'),
    'Connect over HTTP/2': overHttp2('application/json'),
    'HTTP/1.1': async (url: string) => {
      const { hostname, port, host } = new URL(url);
      const socket = connectTcp(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
      );
      return () => socket.destroy();
    },
  };

  test.each(Object.entries(begin))('%s', async (_protocol, open) => {
    const { server } = await fullHouse();
    const breakOff = await open(server.url);
    const client = protocols['Connect JSON (fetch)'](server.url);
    onTestFinished(() => client.close());
    const waiting = client.unary('read', { name: 'Eve' });
    breakOff();

    expect(await waiting).toMatchObject({ text: 'hello Eve' });
  });
});
