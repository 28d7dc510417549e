import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import * as http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { endOf } from '../support/child.ts';
import { everyLine, ourAuthority, serveProbe, signal, type ProbeServer } from './harness.ts';

/** A reader that dies says nothing: the server learns of it from the end of its connection alone. */

const directory = mkdtempSync(join(tmpdir(), 'readers-'));
const authorityFile = join(directory, 'authority.crt');
writeFileSync(authorityFile, ourAuthority);
afterAll(() => rmSync(directory, { recursive: true }));

/** Far below the pings that find a peer who is silent: minutes. */
const AT_ONCE_MS = 5_000;

/** A probe whose streams tell one message and then wait, and that says when the caller of one is taken for gone. */
async function serveWaiting(options: Parameters<typeof serveProbe>[1] = {}) {
  const server = await serveProbe([], options);
  onTestFinished(() => server.close());
  const gone = signal();
  server.behaviour.follow = async function* (_request, context) {
    yield { count: 1 };
    await new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => {
        gone.resolve();
        reject(context.signal.reason as Error);
      });
    });
  };
  return { server, gone: gone.promise };
}

/** A process of its own that has read its first message. */
async function startReader(server: ProbeServer, protocol: string) {
  const reader = spawn(process.execPath, ['test/rpc/reader.ts', server.url, protocol], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authorityFile },
  });
  onTestFinished(async () => {
    await endOf(reader, 'SIGKILL');
  });
  await once(reader.stdout, 'data');
  return reader;
}

const within = <T>(promise: Promise<T>) =>
  Promise.race([
    promise.then(() => 'in time'),
    once(AbortSignal.timeout(AT_ONCE_MS), 'abort').then(() => 'too late'),
  ]);

describe.each(everyLine())('%s', (line, _connect, options) => {
  const protocol = line.replace(' over TLS', '');

  test('a stream ends with the process that reads it', async () => {
    const { server, gone } = await serveWaiting(options);
    const reader = await startReader(server, protocol);
    await endOf(reader, 'SIGKILL');

    expect(await within(gone)).toBe('in time');
    expect(await server.log.line(({ msg, sent }) => msg === 'rpc' && sent === 1)).toMatchObject({
      code: 'CANCELED',
    });
  });

  test('a server whose readers have died stops as fast as one without', async () => {
    const { server } = await serveWaiting(options);
    const readers = await Promise.all([startReader(server, protocol), startReader(server, protocol)]);
    await Promise.all(readers.map((reader) => endOf(reader, 'SIGKILL')));
    const startedAt = performance.now();
    await server.close();

    // Whoever is still there is given a second to read its last message.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

test('a gRPC client that closes its side of the connection is gone', async () => {
  const { server, gone } = await serveWaiting();
  const socket = connectSocket({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const session = http2.connect(server.url, { createConnection: () => socket });
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/wiretest.v1.Probe/Follow',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(Buffer.from('00000000050a03416461', 'hex'));
  await once(stream, 'data');
  socket.end();

  expect(await within(gone)).toBe('in time');
});
