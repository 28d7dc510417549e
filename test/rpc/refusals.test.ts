import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveProbe, type ProbeServer } from './harness.ts';
import { ADA, frame, json, post, postOverHttp2, READ, wires, type Seen } from './wires.ts';

/** What is refused before a handler is reached has its code and its reason, on every protocol. */

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe();
});
afterAll(() => server.close());

const refusal = (code: string, reason: string, metadata: Record<string, string>, message: string | RegExp) =>
  expect.objectContaining({
    code,
    reason,
    domain: 'credit-ledger',
    metadata,
    message: expect.stringMatching(message) as string,
  }) as Seen;
const malformed = (rule: string, message: string | RegExp) =>
  refusal('INVALID_ARGUMENT', 'MALFORMED_REQUEST', { rule }, message);
const unsupported = (rule: string, message: string | RegExp) =>
  refusal('UNIMPLEMENTED', 'UNSUPPORTED_PROTOCOL', { rule }, message);

describe.each(Object.entries(wires))('%s', (_name, wire) => {
  const whole = (message: Uint8Array, flags = 0) =>
    wire.frame ? frame(message, { flags }) : Buffer.from(message);

  test('names a method that is not there', async () => {
    const path = '/wiretest.v1.Probe/Raed';
    expect(await wire.send({ url: server.url, path })).toEqual(
      refusal(
        'UNIMPLEMENTED',
        'UNKNOWN_METHOD',
        { method: path.slice(1) },
        'there is no RPC at /wiretest.v1.Probe/Raed',
      ),
    );
  });

  test('tells how much of a request is read', async () => {
    const limit = String(4 << 20);
    const tooLarge = refusal(
      'RESOURCE_EXHAUSTED',
      'REQUEST_TOO_LARGE',
      { limit },
      /^the request is larger than 4194304 bytes/,
    );

    expect(await wire.send({ url: server.url, body: whole(Buffer.alloc(5 << 20)) })).toEqual(tooLarge);
    const bomb = whole(gzipSync(Buffer.alloc(5 << 20)), 1);
    expect(await wire.send({ url: server.url, body: bomb, headers: { [wire.encoding]: 'gzip' } })).toEqual(
      tooLarge,
    );
  });

  test.each(['soon', '1', '-5', '5 m', '123456789S', '99999999999'])(
    'refuses the deadline "%s"',
    async (deadline) => {
      if (wire.timeout === 'connect-timeout-ms' && /^\d{1,10}$/.test(deadline)) return;
      expect(await wire.send({ url: server.url, headers: { [wire.timeout]: deadline } })).toEqual(
        malformed('timeout', `^${wire.timeout} is "${deadline}": it must be`),
      );
    },
  );

  test('refuses gzip that breaks off, or is none', async () => {
    for (const bytes of [gzipSync(Buffer.alloc(99)).subarray(0, 15), ADA]) {
      expect(
        await wire.send({ url: server.url, body: whole(bytes, 1), headers: { [wire.encoding]: 'gzip' } }),
      ).toEqual(malformed('compression', 'the request is not what'));
    }
  });

  test('names the compressions it reads', async () => {
    expect(
      await wire.send({ url: server.url, body: whole(ADA, 1), headers: { [wire.encoding]: 'snappy' } }),
    ).toEqual(
      unsupported('compression', /^the request is compressed by "snappy": gzip, deflate, br are read$/),
    );
  });

  test('refuses bytes that are no message as a field that is wrong', async () => {
    expect(await wire.send({ url: server.url, body: whole(Buffer.from('ffff', 'hex')) })).toMatchObject({
      reason: 'INVALID_FIELD',
    });
  });

  test('tells that the deadline has passed', async () => {
    server.behaviour.read = () => new Promise(() => {});
    const headers = { [wire.timeout]: wire.timeout === 'grpc-timeout' ? '50m' : '50' };

    expect(await wire.send({ url: server.url, headers })).toEqual(
      expect.objectContaining({ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED', metadata: {} }),
    );
  });

  test('logs whom it turned away', async () => {
    const requestId = crypto.randomUUID();
    await wire.send({ url: server.url, path: '/no.such/Method', headers: { 'x-request-id': requestId } });

    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      level: 'info',
      method: 'no.such/Method',
      code: 'UNIMPLEMENTED',
      reason: 'UNKNOWN_METHOD',
    });
  });
});

describe.each(Object.entries(wires).filter(([, wire]) => wire.frame))('framed: %s', (_name, wire) => {
  test('refuses a message that breaks off', async () => {
    expect(await wire.send({ url: server.url, body: frame(ADA, { length: 99 }) })).toMatchObject({
      reason: expect.stringMatching('MALFORMED_REQUEST|UNSUPPORTED_PROTOCOL'),
      message: expect.stringMatching('ends in the middle of its message|no whole message'),
    });
  });

  test('refuses two messages, and none, where one is taken', async () => {
    expect(await wire.send({ url: server.url, body: Buffer.concat([frame(ADA), frame(ADA)]) })).toEqual(
      unsupported('messages', 'the request holds more than one message, and this call takes one'),
    );
    expect(await wire.send({ url: server.url, body: Buffer.alloc(0) })).toEqual(
      unsupported('messages', /^the request holds no (whole )?message, and this call takes one$/),
    );
  });
});

test.each([
  ['gRPC over HTTP/2', '99999999H'],
  ['gRPC over HTTP/2', '9000H'],
  ['gRPC-Web over HTTP/1.1', '99999999H'],
  ['Connect over HTTP/1.1', '9999999999'],
])('%s: a deadline beyond what timers count is a long one: %s', async (name, timeout) => {
  const wire = wires[name]!;
  const requestId = crypto.randomUUID();
  server.behaviour.read = async () => ({ text: 'in time' });
  await wire
    .send({ url: server.url, headers: { [wire.timeout]: timeout, 'x-request-id': requestId } })
    .catch(() => 'an answer');

  expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({ code: 'OK' });
});

test('an answer that is too large for gRPC is not told as a request that is', async () => {
  const huge = 'x'.repeat(64 << 20);
  server.behaviour.read = async () => ({ text: huge });

  expect(await wires['gRPC over HTTP/2']!.send({ url: server.url })).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'LIMIT_REACHED',
    metadata: { limit: String(64 << 20) },
  });
});

describe('HTTP/1.1', () => {
  test.each([
    ['text/plain', /not called with "text\/plain": send content-type: application\/json/],
    ['application/x-www-form-urlencoded', /send content-type: application\/json/],
    ['application/grpc', /send content-type: application\/json/],
  ])('says what to send instead of %s', async (contentType, message) => {
    expect(await json(await post({ url: server.url }, contentType))).toMatchObject({
      status: 415,
      code: 'UNIMPLEMENTED',
      reason: 'UNSUPPORTED_PROTOCOL',
      metadata: { rule: 'content_type' },
      message: expect.stringMatching(message),
    });
  });

  test('says that a stream is no unary call', async () => {
    expect(
      await json(await post({ url: server.url, path: '/wiretest.v1.Probe/Follow' }, 'application/json')),
    ).toMatchObject({
      status: 415,
      message: expect.stringContaining('send content-type: application/connect+json'),
    });
  });

  test.each(['PUT', 'DELETE'])('says that an RPC is called by POST, not by %s', async (method) => {
    const response = await fetch(server.url + READ, { method });
    expect(response.headers.get('allow')).toBe('POST');
    expect(await json(response)).toMatchObject({
      status: 405,
      reason: 'UNSUPPORTED_PROTOCOL',
      metadata: { rule: 'http_method' },
    });
  });

  test.each([
    ['connect=v1&encoding=json&base64=1&message=!!', 'query', /not base64/],
    ['connect=v1&encoding=yaml&message=x', 'query', /encoding=json/],
    ['connect=v1&encoding=json&message=%ff', 'query', /UTF-8/],
    ['connect=v1&encoding=json&base64=1&compression=gzip&message=AAAA', 'compression', /not what gzip makes/],
  ])('refuses the query %s', async (query, rule, message) => {
    const response = await fetch(`${server.url}${READ}?${query}`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await json(response)).toMatchObject({
      status: 400,
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_REQUEST',
      metadata: { rule },
      message: expect.stringMatching(message),
    });
  });

  test('says of every answer that it is not to be stored', async () => {
    server.behaviour.read = async ({ name }) => ({ text: `hello ${name}` });
    const query = 'connect=v1&encoding=json&base64=1&message=eyJuYW1lIjoiQWRhIn0';
    const response = await fetch(`${server.url}${READ}?${query}`);

    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ text: 'hello Ada' });
  });

  test('tells how much of a header is read', async () => {
    const headers = { 'x-padding': 'x'.repeat(20_000) };

    expect(await json(await post({ url: server.url, headers }, 'application/json'))).toMatchObject({
      status: 431,
      reason: 'REQUEST_TOO_LARGE',
      metadata: { limit: '16384' },
      message: expect.stringMatching(/^the header of the request is larger/),
    });
  });

  test('tells what it cannot parse, and closes', async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.end('GET / HTTP/9.9\r\n\r\n');

    const answer = await text(socket);
    expect(answer).toMatch(
      /^HTTP\/1\.1 400 [^]*content-type: application\/json[^]*"reason":"MALFORMED_REQUEST"/,
    );
    const requestId = /^x-request-id: (\S+)\r$/m.exec(answer)?.[1];
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      reason: 'MALFORMED_REQUEST',
    });
  });
});

test.each([
  ['POST', 'text/plain', 415, 'content_type', 'send content-type: application/json'],
  ['POST', 'application/grpc+json', 415, 'content_type', 'send content-type: application/json'],
  ['POST', 'application/grpc-web-text', 415, 'content_type', 'send content-type: application/json'],
  ['PUT', 'application/json', 405, 'http_method', 'called by POST'],
])(
  'HTTP/2 that is none of the protocols is told so in JSON: %s %s',
  async (method, contentType, status, rule, message) => {
    const sent = { url: server.url, headers: { ':method': method } };
    const response = await postOverHttp2(sent, contentType);

    expect(await json(response)).toMatchObject({
      status,
      reason: 'UNSUPPORTED_PROTOCOL',
      metadata: { rule },
      message: expect.stringContaining(message),
    });
  },
);
