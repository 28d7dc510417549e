import { once } from 'node:events';
import * as http2 from 'node:http2';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { dataFrame, headFrame, PREFACE, RESET } from './frames.ts';
import { serveProbe, signal, type ProbeServer } from './harness.ts';
import { ADA, frame, READ } from './wires.ts';

/** One HTTP/2 connection carries every protocol; each stream is told apart by what it says it is. */

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe();
});
afterAll(() => server.close());

function open() {
  const session = http2.connect(server.url);
  onTestFinished(() => session.destroy());
  const ask = async (head: http2.OutgoingHttpHeaders, body?: Buffer) => {
    const stream = session.request({ ':method': 'POST', ':path': READ, te: 'trailers', ...head });
    stream.end(body);
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return { status: headers[':status'], headers, body: await buffer(stream) };
  };
  return { session, ask };
}

test('gRPC, gRPC-Web and Connect share a connection', async () => {
  const { ask } = open();
  const [grpc, web, binary, json] = await Promise.all([
    ask({ 'content-type': 'application/grpc' }, frame(ADA)),
    ask({ 'content-type': 'application/grpc-web+proto' }, frame(ADA)),
    ask({ 'content-type': 'application/proto' }, ADA),
    ask({ 'content-type': 'application/json' }, Buffer.from('{"name":"Ada"}')),
  ]);

  expect(grpc.body.subarray(5)).toEqual(binary.body);
  expect(web.body.subarray(0, grpc.body.length)).toEqual(grpc.body);
  expect(web.body.subarray(grpc.body.length).toString()).toContain('grpc-status: 0');
  expect(JSON.parse(json.body.toString())).toEqual({ text: 'hello Ada' });
});

test('a read is reachable with GET, and a page as over HTTP/1.1', async () => {
  const { session, ask } = open();
  const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"name":"Ada"}' });
  const read = await ask({ ':method': 'GET', ':path': `${READ}?${query.toString()}` });
  const none = await ask({ ':method': 'GET', ':path': '/no/such.page' });

  expect(JSON.parse(read.body.toString())).toEqual({ text: 'hello Ada' });
  expect(read.headers['cache-control']).toBe('no-store');
  expect(none.status).toBe(404);
  expect(session.closed).toBe(false);
});

test('a request that asks whether to send its body is told to', async () => {
  const { session } = open();
  const stream = session.request({
    ':method': 'POST',
    ':path': READ,
    'content-type': 'application/json',
    expect: '100-continue',
  });
  await once(stream, 'continue');
  stream.end('{"name":"Ada"}');

  expect((await buffer(stream)).toString()).toBe('{"text":"hello Ada"}');
});

test('a request that is too large is answered before it is sent, and the connection goes on', async () => {
  const { session, ask } = open();
  const stream = session.request({
    ':method': 'POST',
    ':path': READ,
    'content-type': 'application/json',
    'content-length': String(5 << 20),
  });
  stream.write('{"name":"');
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const body = await buffer(stream);

  expect(headers[':status']).toBe(429);
  expect(body.toString()).toContain('REQUEST_TOO_LARGE');
  stream.close(http2.constants.NGHTTP2_CANCEL);
  expect((await ask({ 'content-type': 'application/proto' }, ADA)).status).toBe(200);
});

/** A connection of which nobody reads what it is sent; it sends bytes as they are. */
function sender() {
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).resume();
  return (...frames: readonly Buffer[]) => void socket.write(Buffer.concat(frames));
}

const BODIES = [
  ['application/proto', ADA],
  ['application/grpc', frame(ADA)],
] as const;

test.each(BODIES)('a request that breaks off is not taken for a shorter one: %s', async (type, body) => {
  const { ask } = open();
  const seen: string[] = [];
  const requestId = crypto.randomUUID();
  server.behaviour.read = async ({ name }) => {
    seen.push(name);
    return { text: name };
  };
  // Node's own client ends a request before it resets it.
  const send = sender();
  const headers = { 'content-type': type, 'x-request-id': requestId };
  send(PREFACE, headFrame(READ, headers), dataFrame(body));
  await ask({ 'content-type': 'application/json' }, Buffer.from('{"name":"Eve"}'));
  send(RESET);

  expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
    code: 'CANCELED',
  });
  expect(seen).toEqual(['Eve']);
});

test.each(BODIES)(
  'a request that is reset in the breath in which it comes harms nobody: %s',
  async (type) => {
    server.behaviour.read = async ({ name }) => ({ text: name });
    const { ask } = open();
    // By the second answer the first one's neighbour has been dealt with.
    for (let i = 0; i < 2; i += 1) {
      sender()(PREFACE, headFrame(READ, { 'content-type': type }), RESET);
      const { body } = await ask({ 'content-type': 'application/json' }, Buffer.from('{"name":"Eve"}'));
      expect(String(body)).toContain('Eve');
    }
  },
);

test('a caller that resets its stream is taken for gone, and its connection goes on', async () => {
  const { session, ask } = open();
  const [begun, gone] = [signal(), signal()];
  server.behaviour.follow = async function* (_request, context) {
    yield { count: 1 };
    begun.resolve();
    await new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => {
        gone.resolve();
        reject(context.signal.reason as Error);
      });
    });
  };
  const stream = session.request({
    ':method': 'POST',
    ':path': '/wiretest.v1.Probe/Follow',
    'content-type': 'application/connect+proto',
  });
  stream.on('error', () => undefined).end(frame(ADA));
  await begun.promise;
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await gone.promise;

  expect((await ask({ 'content-type': 'application/proto' }, ADA)).status).toBe(200);
});
