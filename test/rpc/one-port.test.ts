import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonValue } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuseFields } from '../../src/refusal.ts';
import { failureOf, grpcFailure, jsonFailure, protocols, type WireFailure } from './clients.ts';
import { serveProbe, type ProbeServer } from './harness.ts';

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe();
});
afterAll(() => server.close());

const open = async (): Promise<Socket> => {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
};

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/wiretest.v1.Probe/Read`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

/** A round trip of its own, so that what was written before has been read. */
const roundTrip = () => post('{"name":"Ada"}').then((response) => response.text());

test('an HTTP/1.1 request that trickles in is understood', async () => {
  const socket = await open();
  const request =
    'POST /wiretest.v1.Probe/Read HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"name":"Ada"}';
  for (const part of [request.slice(0, 1), request.slice(1, 9), request.slice(9, 148), request.slice(148)]) {
    socket.write(part);
    await roundTrip();
  }

  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK[^]*\{"text":"hello Ada"\}$/);
});

test('an HTTP/2 preface that trickles in is understood', async () => {
  const socket = await open();
  for (const part of ['P', 'RI * HTTP/2.0\r\n', '\r\nSM\r\n\r\n']) {
    socket.write(part);
    await roundTrip();
  }
  // An empty SETTINGS frame completes the greeting; the server's own has the type 4.
  socket.write(Buffer.from('000000040000000000', 'hex'));
  const [greeting] = (await once(socket, 'data')) as [Buffer];

  expect(greeting[3]).toBe(4);
  socket.destroy();
});

test('a request that is too large is answered at once, and its connection closed', async () => {
  const socket = await open();
  const length = 5 << 20;
  socket.write(
    `POST /wiretest.v1.Probe/Read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`,
  );
  socket.write(`Content-Length: ${length}\r\n\r\n{"name":"`);

  expect(await text(socket)).toMatch(/^HTTP\/1\.1 429 [^]*"code":"resource_exhausted"/);
});

test('a connection reset before its first byte harms nobody', async () => {
  (await open()).resetAndDestroy();

  expect(await roundTrip()).toBe('{"text":"hello Ada"}');
});

test('an HTTP/1.0 request without Host is refused and harms nobody', async () => {
  const socket = await open();
  socket.end('POST /wiretest.v1.Probe/Read HTTP/1.0\r\n\r\n');

  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await roundTrip()).toBe('{"text":"hello Ada"}');
});

test('a read is reachable with GET', async () => {
  const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"name":"Ada"}' });
  const response = await fetch(`${server.url}/wiretest.v1.Probe/Read?${query.toString()}`);

  expect(await response.json()).toEqual({ text: 'hello Ada' });
});

test('a write is not reachable with GET', async () => {
  const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"name":"Ada"}' });

  expect((await fetch(`${server.url}/wiretest.v1.Probe/Write?${query.toString()}`)).status).toBe(405);
});

test('a path that is no RPC is named in the answer', async () => {
  const response = await fetch(`${server.url}/wiretest.v1.Probe/Raed`);

  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ message: 'there is no RPC at /wiretest.v1.Probe/Raed' });
});

test.each([
  ['a field of the wrong type', '{"name":"Ada","amount":5}', 'amount', 'decodable'],
  ['a misspelt field', '{"naem":"Ada"}', 'naem', 'unknown'],
  ['broken JSON', '{', '', 'decodable'],
])('%s in JSON is an INVALID_FIELD', async (_case, body, field, rule) => {
  const response = await post(body);

  expect(response.status).toBe(400);
  expect(jsonFailure((await response.json()) as JsonValue).seen).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    metadata: { field, rule },
    violations: [[field, rule, expect.any(String)]],
  });
});

test('bytes that are no message are an INVALID_FIELD over Connect too', async () => {
  const response = await post('\u00ff', { 'content-type': 'application/proto' });

  expect(response.status).toBe(400);
  expect(jsonFailure((await response.json()) as JsonValue).seen).toMatchObject({ reason: 'INVALID_FIELD' });
});

test('thousands of violations still arrive as what they are', async () => {
  server.behaviour.read = async () => {
    const violations = Array.from({ length: 5_000 }, (_, i) => ({
      field: `requests[${i}]`,
      rule: 'r',
      message: 'is wrong',
    }));
    return refuseFields(violations);
  };
  for (const connectClient of Object.values(protocols)) {
    const client = connectClient(server.url);
    const { code, message, violations } = await failureOf(client.unary('read', { name: 'Ada' }));

    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toMatch(/^requests\[0\]: is wrong; .*… \(5000 violations in all\)$/);
    expect((violations as unknown[]).length).toBeGreaterThan(100);
    client.close();
  }
});

test('a connection that says nothing is dropped when the server stops', async () => {
  const other = await serveProbe();
  const socket = connect({ port: other.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await other.close();

  expect(await closed).toEqual([false]);
});

const asIs = (bytes: Buffer) => bytes;

test('bytes that are no message are an INVALID_FIELD over gRPC too', async () => {
  const client = new grpc.Client(new URL(server.url).host, grpc.credentials.createInsecure());
  const failure = await new Promise<WireFailure>((resolve) => {
    client.makeUnaryRequest('/wiretest.v1.Probe/Read', asIs, asIs, Buffer.from('ffff', 'hex'), (error) => {
      if (error !== null) resolve(grpcFailure(error));
    });
  });
  client.close();

  expect(failure.seen).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    message: "the request is not a wiretest.v1.ProbeRequest in protobuf's binary format",
  });
});
