import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type * as tls from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TlsFiles } from '../../src/environment.ts';
import { openCertificates } from '../../src/rpc/transport/certificates.ts';
import { writePair } from '../support/certificates.ts';
import { testClock } from '../support/clock.ts';
import { captureLog } from './harness.ts';
import { ask, HELLO, open, ours, own, serve, theirs } from './secure-probe.ts';

/** Who gets a TLS connection, and how certificates are changed. */

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
