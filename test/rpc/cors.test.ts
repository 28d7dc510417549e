import { request, type IncomingMessage } from 'node:http';
import * as http2 from 'node:http2';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveProbe } from './harness.ts';
import { READ } from './wires.ts';

/** What pages in a browser may do: those of the origins that are set, and nobody else's. */

const OURS = 'https://app.example.com';

type Asked = {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
};
type Told = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
};

const versions: Readonly<Record<string, (asked: Asked) => Promise<Told>>> = {
  'HTTP/1.1': async ({ url, method, headers }) => {
    const sent = request(url + READ, { method, headers, agent: false });
    sent.end(method === 'POST' ? '{"name":"Ada"}' : undefined);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode!, headers: answer.headers, body: await text(answer) };
  },
  'HTTP/2': async ({ url, method, headers }) => {
    const session = http2.connect(url);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ':method': method, ':path': READ, ...headers });
    stream.end(method === 'POST' ? '{"name":"Ada"}' : undefined);
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return { status: Number(answer[':status']), headers: answer, body: await text(stream) };
  },
};

async function serve(corsOrigins: readonly string[] = [OURS]) {
  const server = await serveProbe([], { corsOrigins });
  onTestFinished(() => server.close());
  return server;
}

const preflight = (origin: string) => ({
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type,authorization',
});
const call = (origin: string) => ({ origin, 'content-type': 'application/json' });
const corsOf = ({ headers }: Told) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe.each(Object.entries(versions))('over %s', (_version, ask) => {
  test('a page of an origin that is set may call, and is told so beforehand', async () => {
    const { url } = await serve();
    const told = await ask({ url, method: 'OPTIONS', headers: preflight(OURS) });

    expect(told).toMatchObject({ status: 204, body: '' });
    expect(told.headers).toMatchObject({
      'access-control-allow-origin': OURS,
      'access-control-allow-methods': 'POST, GET',
      vary: 'Origin',
    });
    const allowed = String(told.headers['access-control-allow-headers']).toLowerCase().split(', ');
    for (const name of ['content-type', 'authorization', 'connect-timeout-ms', 'x-grpc-web', 'x-request-id'])
      expect(allowed).toContain(name);
  });

  test('and sees what the answer says beside its body', async () => {
    const { url } = await serve();
    const told = await ask({ url, method: 'POST', headers: call(OURS) });

    expect(told).toMatchObject({ status: 200, body: '{"text":"hello Ada"}' });
    expect(told.headers['access-control-allow-origin']).toBe(OURS);
    const shown = String(told.headers['access-control-expose-headers']).toLowerCase().split(', ');
    for (const name of ['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'x-request-id'])
      expect(shown).toContain(name);
  });

  test('a page of another origin is told nothing that would let it', async () => {
    const { url } = await serve();
    const beforehand = await ask({ url, method: 'OPTIONS', headers: preflight('https://evil.example') });
    const told = await ask({ url, method: 'POST', headers: call('https://evil.example') });

    expect(beforehand.status).toBe(405);
    expect([...corsOf(beforehand), ...corsOf(told)]).toEqual([]);
    // Else a cache could show it what it kept of another's.
    expect(told.headers).toMatchObject({ vary: 'Origin' });
  });

  test('where none is set, no page may, and nothing is said of it', async () => {
    const { url } = await serve([]);
    const told = await ask({ url, method: 'POST', headers: call(OURS) });

    expect(corsOf(told)).toEqual([]);
    expect(told.headers['vary']).toBeUndefined();
  });
});
