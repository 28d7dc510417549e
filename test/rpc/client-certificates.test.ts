import { once } from 'node:events';
import * as http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import * as tls from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCertificateNames, namesIn } from '../../src/rpc/transport/certificate-names.ts';
import type { Pair } from '../support/certificates.ts';
import { aCredential, changingCredentials } from '../support/credentials.ts';
import { ask, HELLO, NO_CONNECTION, open, ours, own, serve, theirs } from './secure-probe.ts';

/** Who has to show a certificate, and what is known of a caller that does. */

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
