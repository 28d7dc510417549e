import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { serveProbe, type ProbeServer } from './harness.ts';
import { frame, json, post, READ, wires, type Sent } from './wires.ts';

/** Who may call is settled before anything of a request is looked at, on every protocol. */

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe();
});
afterAll(() => server.close());

describe('with tokens', () => {
  let guarded: ProbeServer;
  beforeAll(async () => {
    guarded = await serveProbe([], {
      credentials: tokenCredentials([{ name: 'dashboard', permission: 'read', token: 'secret' }]),
    });
  });
  afterAll(() => guarded.close());

  const wrong: Record<string, Omit<Sent, 'path' | 'url'>> = {
    'no message': { body: Buffer.from('ffff', 'hex') },
    'an invalid message': { body: Buffer.from('', 'hex') },
    'too much': { body: Buffer.alloc(5 << 20) },
    'another compression': { headers: { 'grpc-encoding': 'snappy', 'content-encoding': 'snappy' } },
    'a deadline that is none': { headers: { 'grpc-timeout': '5', 'connect-timeout-ms': 'x' } },
  };
  describe.each(Object.entries(wires))('%s', (_name, wire) => {
    test.each(Object.entries(wrong))(
      'who shows none is told that, and nothing about %s',
      async (_what, { body, headers }) => {
        const sent = { ...(body && { body: wire.frame ? frame(body) : body }), ...(headers && { headers }) };

        expect(await wire.send({ ...sent, url: guarded.url })).toMatchObject({
          code: 'UNAUTHENTICATED',
          reason: 'UNAUTHENTICATED',
          message: 'send a token as metadata: authorization: Bearer <token>',
        });
      },
    );
  });

  test.each(['{"naem":1}', '{', '{"name":5}'])(
    'nobody is told about fields before they show one: %s',
    async (body) => {
      const asked = [
        post({ url: guarded.url, body: Buffer.from(body) }, 'application/json'),
        fetch(`${guarded.url}${READ}?connect=v1&encoding=json&message=${encodeURIComponent(body)}`),
      ];
      for (const response of await Promise.all(asked))
        expect(await json(response)).toMatchObject({ status: 401, reason: 'UNAUTHENTICATED' });
    },
  );
});

describe('without tokens, on loopback', () => {
  test.each(Object.entries(wires))(
    '%s: a name that is not of this machine is refused',
    async (_name, { send }) => {
      for (const host of [
        'ledger.evil.example',
        'localhost.evil.example:8484',
        '127.0.0.1.nip.io',
        '[::2]',
        '10.0.0.7',
      ]) {
        expect(await send({ url: server.url, host })).toMatchObject({
          code: 'PERMISSION_DENIED',
          reason: 'FOREIGN_HOST',
          metadata: { host: host.replace(':8484', '') },
          message: expect.stringContaining('call it as localhost'),
        });
      }
    },
  );

  test.each(Object.entries(wires))('%s: the names of this machine are answered', async (_name, { send }) => {
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:8484', '127.8.9.1', '[::1]:8484']) {
      const seen = await send({ url: server.url, path: '/no.such/Method', host });
      expect(seen).toMatchObject({ reason: 'UNKNOWN_METHOD' });
    }
  });

  test.each<[string, Parameters<typeof serveProbe>[1]]>([
    [
      'tokens are asked for',
      { credentials: tokenCredentials([{ name: 'a', permission: 'read', token: 'b' }]) },
    ],
    ['anybody may call', { allowAnonymous: true }],
    ['other machines reach it', { host: '0.0.0.0' }],
  ])('any name is answered where %s', async (_where, options) => {
    const open = await serveProbe([], options);
    const host = 'ledger.example';
    for (const { send } of Object.values(wires))
      expect(await send({ path: '/no.such/Method', host, url: open.url })).toMatchObject({
        reason: 'UNKNOWN_METHOD',
      });
    await open.close();
  });
});
