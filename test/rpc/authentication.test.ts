import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { callerKey, requestIdKey } from '../../src/rpc/call/incoming-call.ts';
import { failureOf, protocols, type WireClient } from './clients.ts';
import { makeSecret } from '../../src/credentials/secret.ts';
import { createAuthentication } from '../../src/rpc/call/authentication.ts';
import { mount } from '../../src/rpc/call/mounted-service.ts';
import { aCredential, changingCredentials } from '../support/credentials.ts';
import { serveProbe, type ProbeServer } from './harness.ts';
import { Probe } from './probe.ts';

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe([], {
    credentials: tokenCredentials([
      { name: 'dashboard', permission: 'read', token: 'read-token' },
      { name: 'billing', permission: 'write', token: 'write-token' },
    ]),
  });
  server.behaviour.read = async (_request, context) => ({ text: context.values.get(callerKey) });
});
afterAll(() => server.close());

describe.each(Object.entries(protocols))('%s', (_protocol, connect) => {
  let client: WireClient;
  beforeAll(() => {
    client = connect(server.url);
  });
  afterAll(() => client.close());

  test.each([
    ['read-token', 'dashboard'],
    ['write-token', 'billing'],
  ])('the token %s reads as %s', async (token, caller) => {
    expect(await client.unary('read', { name: 'Ada' }, { token })).toMatchObject({ text: caller });
  });

  test('a write token writes', async () => {
    expect(await client.unary('write', { name: 'Ada' }, { token: 'write-token' })).toMatchObject({
      text: 'wrote Ada',
    });
  });

  test('a read token does not write, and is told what it lacks', async () => {
    expect(await failureOf(client.unary('write', { name: 'Ada' }, { token: 'read-token' }))).toEqual({
      code: 'PERMISSION_DENIED',
      message: 'wiretest.v1.Probe/Write needs the right SPEND, which dashboard does not have',
      reason: 'FORBIDDEN',
      domain: 'credit-ledger',
      metadata: { permission: 'SPEND', namespace: '' },
    });
  });

  test.each([
    ['no token', {}],
    ['another token', { token: 'read-tokem' }],
    ['part of a token', { token: 'read' }],
  ])('%s is refused before anything else is looked at', async (_case, options) => {
    expect(await failureOf(client.unary('read', {}, options))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'UNAUTHENTICATED',
    });
  });

  test('the log has the name of the caller, never the token', async () => {
    const requestId = crypto.randomUUID();
    await client.unary('read', { name: 'Ada' }, { token: 'read-token', requestId });

    const line = await server.log.line((one) => one['requestId'] === requestId);
    expect(line).toMatchObject({
      level: 'info',
      code: 'OK',
      caller: 'dashboard',
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(server.log.lines)).not.toContain('read-token');
  });

  test('a request id that would not fit into a log line is replaced', async () => {
    server.behaviour.read = async (_request, context) => ({ text: context.values.get(requestIdKey) });
    const { text } = await client.unary(
      'read',
      { name: 'Ada' },
      { token: 'read-token', requestId: 'x'.repeat(129) },
    );

    expect(text).toMatch(/^[0-9a-f-]{36}$/);
    server.behaviour.read = async (_request, context) => ({ text: context.values.get(callerKey) });
  });
});

describe('a client certificate', () => {
  const service = aCredential('spiffe://prod/web', ['READ'], ['ours']);
  const billing = aCredential('billing', ['SPEND']);
  const { rpcs } = mount(Probe, {
    read: async () => ({}),
    write: async () => ({}),
    follow: async function* () {
      yield {};
    },
  });
  const [read, write] = rpcs;
  const authenticate = createAuthentication(changingCredentials(service, billing).credentials);
  const call = (certificateNames: readonly string[], secret?: string) => ({
    certificateNames,
    header: (name: string) =>
      name === 'authorization' && secret !== undefined ? `Bearer ${secret}` : undefined,
  });

  test('calls as the credential that has one of its names', () => {
    expect(authenticate(read!, call(['web.prod.example', 'spiffe://prod/web']))).toMatchObject({
      name: 'spiffe://prod/web',
      namespaces: new Set(['ours']),
    });
  });

  test('allows what its credential allows, and no more', () => {
    expect(() => authenticate(write!, call(['spiffe://prod/web']))).toThrow('needs the right SPEND');
  });

  test('of another name is not enough', () => {
    expect(() => authenticate(read!, call(['web.prod.example']))).toThrow(
      'no name of the client certificate is that of a credential',
    );
  });

  test('gives way to a secret', () => {
    const names = ['spiffe://prod/web'];
    expect(authenticate(write!, call(names, billing.secret))).toMatchObject({ name: 'billing' });
    expect(() => authenticate(read!, call(names, makeSecret().secret))).toThrow(
      'not one of those configured',
    );
  });

  test('names the caller where no credentials are asked for, too', () => {
    const open = createAuthentication(null);

    expect(open(write!, call(['web.prod.example']))).toMatchObject({ name: 'web.prod.example' });
    expect(open(write!, call([]))).toMatchObject({ name: 'anonymous' });
  });
});
