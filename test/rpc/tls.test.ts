import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as tls from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TlsFiles } from '../../src/environment.ts';
import { createCertificateNames, namesIn } from '../../src/rpc/transport/certificate-names.ts';
import { openCertificates } from '../../src/rpc/transport/certificates.ts';
import type { Credentials } from '../../src/credentials/credential.ts';
import { authority, writePair, type Pair } from '../support/certificates.ts';
import { testClock } from '../support/clock.ts';
import { aCredential, changingCredentials } from '../support/credentials.ts';
import { captureLog, serveProbe } from './harness.ts';

/** Who gets a TLS connection, what is known of them then, and how certificates are changed. */

const ours = authority('ours');
const theirs = authority('theirs');
const own = ours.issue(['DNS:localhost', 'IP:127.0.0.1']);

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'certificates-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A server with the certificate of files that a test may change, by a clock that it moves. */
async function serve(
  more: Partial<Pick<TlsFiles, 'clientCertificates'>> & {
    readonly ca?: string;
    readonly credentials?: Credentials;
  } = {},
) {
  const time = testClock();
  const log = captureLog();
  const where = directory();
  const files = writePair(where, 'own', own);
  const { ca, clientCertificates = 'required', credentials = null } = more;
  const clientCa = join(where, 'clients.crt');
  if (ca !== undefined) writeFileSync(clientCa, ca);
  const certificates = await openCertificates(
    { ...files, ...(ca !== undefined && { clientCa }), clientCertificates },
    { clock: time.clock, log: log.log },
  );
  const server = await serveProbe([], { certificates, credentials, log: log.log });
  onTestFinished(async () => {
    await server.close();
    await certificates.close();
  });
  /** Writes another certificate, and waits until the log tells what became of it. */
  const change = async (pair: Pair, told: string) => {
    writePair(where, 'own', pair);
    const seen = log.lines.length;
    const line = log.line((each) => String(each['msg']).includes(told) && log.lines.indexOf(each) >= seen);
    time.pass(1_000);
    return line;
  };
  return { server, log, change };
}

const open = (port: number, options: tls.ConnectionOptions = {}) =>
  new Promise<tls.TLSSocket>((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: ours.cert, ...options });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });

/** What a request over this connection is answered with; over HTTP/1.1. */
const ask = (port: number, options: tls.ConnectionOptions = {}) =>
  new Promise<string>((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        ca: ours.cert,
        ...options,
        agent: false,
        method: 'POST',
        path: '/wiretest.v1.Probe/Read',
        headers: { 'content-type': 'application/json' },
      },
      (response) => void text(response).then(resolve, reject),
    );
    sent.on('error', reject).end('{"name":"Ada"}');
  });
const NO_CONNECTION = /socket hang up|ECONNRESET|certificate|disconnected|EPIPE/;
const HELLO = '{"text":"hello Ada"}';

describe('a TLS connection', () => {
  test.each([
    ['h2', ['h2', 'http/1.1']],
    ['h2', ['h2']],
    ['http/1.1', ['http/1.1']],
    [false, undefined],
  ])('speaks %s with who offers %o', async (agreed, ALPNProtocols) => {
    const { server } = await serve();
    const socket = await open(server.port, ALPNProtocols === undefined ? {} : { ALPNProtocols });

    expect(socket.alpnProtocol).toBe(agreed);
    expect(await text(agreed === 'h2' ? askedByHttp2(socket) : askedByHttp1(socket))).toContain(
      'UNKNOWN_METHOD',
    );
  });
  const path = '/wiretest.v1.Probe/Raed';
  const askedByHttp1 = (socket: tls.TLSSocket) =>
    socket.end(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  const askedByHttp2 = (socket: tls.TLSSocket) =>
    http2.connect('https://localhost', { createConnection: () => socket }).request({ ':path': path });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('is opened by %s', async (version) => {
    const { server } = await serve();
    const socket = await open(server.port, { minVersion: version, maxVersion: version });

    expect(socket.getProtocol()).toBe(version);
  });

  test('is not opened by anything older', async () => {
    const { server } = await serve();
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

    await expect(open(server.port, old)).rejects.toThrow(/alert protocol version/);
  });

  test('is not had in plain text, and who tries harms nobody', async () => {
    const { server, log } = await serve();
    const socket = connectPlain({ port: server.port, host: '127.0.0.1' });
    socket.end('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');

    expect(await text(socket)).not.toContain('HTTP');
    expect(await log.line(({ msg }) => msg === 'a TLS connection was refused')).toMatchObject({
      why: 'ERR_SSL_HTTP_REQUEST',
    });
    expect(await ask(server.port)).toBe(HELLO);
  });

  test('that is never completed does not hold up the end', async () => {
    const { server } = await serve();
    const socket = connectPlain({ port: server.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    await ask(server.port);
    const closed = once(socket, 'close');
    await server.close();

    expect(await closed).toEqual([expect.any(Boolean)]);
  });
});

describe('certificates of clients', () => {
  const client = ours.issue(['DNS:billing.internal', 'URI:spiffe://corp/billing', 'IP:10.0.0.1']);
  const strange = theirs.issue(['DNS:billing.internal']);
  const expired = ours.issue(['DNS:billing.internal'], { expired: true });

  test('are asked for: who shows none, or one that is not trusted, gets no connection', async () => {
    const { server, log } = await serve({ ca: ours.cert });

    await expect(ask(server.port)).rejects.toThrow(NO_CONNECTION);
    await expect(ask(server.port, strange)).rejects.toThrow(NO_CONNECTION);
    await expect(ask(server.port, expired)).rejects.toThrow(NO_CONNECTION);
    expect(await ask(server.port, client)).toBe(HELLO);
    const refused = log.lines.filter(({ msg }) => msg === 'a TLS connection was refused');
    expect(refused.length).toBeGreaterThan(0);
  });

  test('may be optional: who shows none is taken for nobody, and who shows one that is not trusted is refused', async () => {
    const { server, log } = await serve({ ca: ours.cert, clientCertificates: 'optional' });

    expect(await ask(server.port)).toBe(HELLO);
    expect(await ask(server.port, client)).toBe(HELLO);
    await expect(ask(server.port, strange)).rejects.toThrow(NO_CONNECTION);
    await expect(ask(server.port, expired)).rejects.toThrow(NO_CONNECTION);
    expect(log.lines.filter(({ msg }) => msg === 'a TLS connection was refused')).toMatchObject([
      { why: expect.stringMatching(/^UNABLE_TO_/) },
      { why: 'CERT_HAS_EXPIRED' },
    ]);
  });

  test('are not asked for where there is no authority for them', async () => {
    const { server } = await serve();

    expect(await ask(server.port, strange)).toBe(HELLO);
  });

  test('name the caller, who may do what the credential of that name may, over every version of HTTP', async () => {
    const { credentials } = changingCredentials(aCredential('spiffe://corp/billing', ['READ']));
    const { server, log } = await serve({ ca: ours.cert, credentials });
    const stranger = ours.issue(['DNS:reports.internal']);
    const overHttp2 = async (shown: Pair) => {
      const session = http2.connect(server.url, { ca: ours.cert, ...shown });
      onTestFinished(() => session.destroy());
      const head = { ':method': 'POST', ':path': '/wiretest.v1.Probe/Read' };
      const asked = (contentType: string, body: Buffer) =>
        text(session.request({ ...head, 'content-type': contentType, te: 'trailers' }).end(body));
      const json = await asked('application/json', Buffer.from('{"name":"Ada"}'));
      return [json, await asked('application/grpc', Buffer.from('00000000050a03416461', 'hex'))];
    };

    expect(await ask(server.port, client)).toBe(HELLO);
    expect(await overHttp2(client)).toEqual([HELLO, expect.stringContaining('hello Ada')]);
    expect(log.lines.filter(({ msg }) => msg === 'rpc').map(({ caller }) => caller)).toEqual(
      Array.from({ length: 3 }, () => 'spiffe://corp/billing'),
    );
    const refused = expect.stringContaining(
      'no name of the client certificate is that of a credential',
    ) as string;
    expect(await ask(server.port, stranger)).toEqual(refused);
    expect(await overHttp2(stranger)).toEqual([refused, '']);
  });

  test('tell the URI and DNS names in them, over HTTP/2 as well', async () => {
    const namesOf = createCertificateNames();
    const secured = { ...own, ca: ours.cert, requestCert: true, rejectUnauthorized: false };
    const told: (readonly string[])[] = [];
    const server = tls.createServer(secured, (socket) => void told.push(namesOf(socket)));
    const overHttp2 = http2.createSecureServer(secured);
    overHttp2.on('stream', (stream) => {
      told.push(namesOf(stream.session!), namesOf(stream.session!));
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    for (const each of [server, overHttp2]) {
      each.listen(0, '127.0.0.1');
      await once(each, 'listening');
      onTestFinished(() => void each.close());
    }
    const portOf = (each: tls.Server | http2.Http2SecureServer) => (each.address() as { port: number }).port;
    for (const shown of [client, strange]) {
      const opened = once(server, 'secureConnection');
      await open(portOf(server), shown);
      await opened;
    }
    const session = http2.connect(`https://127.0.0.1:${portOf(overHttp2)}`, { ca: ours.cert, ...client });
    await once(session.request({ ':path': '/' }), 'response');
    session.destroy();

    const names = ['billing.internal', 'spiffe://corp/billing'];
    expect(told).toEqual([names, [], names, names]);
  });

  test.each([
    ['', []],
    ['IP Address:10.0.0.1, DNS:a.internal', ['a.internal']],
    [
      'URI:"spiffe://corp/a\\u002c DNS:root.internal", DNS:b.internal',
      ['spiffe://corp/a, DNS:root.internal', 'b.internal'],
    ],
    ['DirName:"CN = x\\u002c DNS:root.internal", email:x@example.com', []],
  ])('are read name by name, and none is made up: %s', (list, names) => {
    expect(namesIn(list)).toEqual(names);
  });
});

describe('a certificate that is changed', () => {
  const next = ours.issue(['DNS:localhost', 'IP:127.0.0.1', 'DNS:next.internal']);
  const shownBy = async (port: number) => (await open(port)).getPeerX509Certificate()?.subjectAltName ?? '';

  test('is shown to new connections, and old ones go on', async () => {
    const { server, change } = await serve();
    const session = http2.connect(server.url, { ca: ours.cert });
    onTestFinished(() => session.destroy());
    const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"name":"Ada"}' });
    const read = () => text(session.request({ ':path': `/wiretest.v1.Probe/Read?${query.toString()}` }));
    expect(await read()).toBe(HELLO);
    expect(await shownBy(server.port)).not.toContain('next.internal');
    await change(next, 'from now on');

    expect(await shownBy(server.port)).toContain('next.internal');
    expect(await read()).toBe(HELLO);
  });

  test('and is of no use is told in the log; the one before goes on until there is a good one', async () => {
    const { server, change } = await serve();
    const mixed = await change({ cert: next.cert, key: own.key }, 'is of no use');
    expect(mixed).toMatchObject({
      level: 'error',
      why: expect.stringContaining('is not the key of CREDIT_LEDGER_TLS_CERT'),
    });
    const empty = await change({ cert: '', key: own.key }, 'is of no use');
    expect(empty).toMatchObject({ why: expect.stringContaining('holds no certificate') });
    expect(await ask(server.port)).toBe(HELLO);
    expect(await shownBy(server.port)).not.toContain('next.internal');
    await change(next, 'from now on');

    expect(await shownBy(server.port)).toContain('next.internal');
  });
});

describe('a start is refused', () => {
  const where = mkdtempSync(join(tmpdir(), 'certificates-'));
  const good = writePair(where, 'good', own);
  const other = writePair(where, 'other', theirs);
  const file = (name: string, content: string) => {
    writeFileSync(join(where, name), content);
    return join(where, name);
  };
  const none = file('none', 'nothing of that');
  afterAll(() => rmSync(where, { recursive: true }));

  test.each<[files: Partial<TlsFiles>, sentence: RegExp]>([
    [{ cert: `${where}/lost` }, /^CREDIT_LEDGER_TLS_CERT is .*lost, which cannot be read: ENOENT\.$/],
    [{ cert: none }, /^CREDIT_LEDGER_TLS_CERT is .*none, which holds no certificate in PEM\.$/],
    [
      { key: none },
      /^CREDIT_LEDGER_TLS_KEY is .*none, which holds no private key in PEM without a password\.$/,
    ],
    [
      { key: other.key },
      /^CREDIT_LEDGER_TLS_KEY is .*other\.key, which is not the key of CREDIT_LEDGER_TLS_CERT\.$/,
    ],
    [{ clientCa: none }, /^CREDIT_LEDGER_TLS_CLIENT_CA is .*none, which holds no certificate in PEM\.$/],
  ])('by the name of the setting: %o', async (files, sentence) => {
    const all = { ...good, clientCertificates: 'required' as const, ...files };
    const { clock } = testClock();

    await expect(openCertificates(all, { clock, log: captureLog().log })).rejects.toThrow(sentence);
  });
});
