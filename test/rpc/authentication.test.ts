import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerKey, requestIdKey } from '../../src/rpc/call/incoming-call.ts';
import { failureOf, protocols, type WireClient } from './clients.ts';
import { serveProbe, type ProbeServer } from './harness.ts';

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe([], {
    tokens: [
      { name: 'dashboard', permission: 'read', token: 'read-token' },
      { name: 'billing', permission: 'write', token: 'write-token' },
    ],
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
      message: 'wiretest.v1.Probe/Write needs the permission write; the token dashboard has read',
      reason: 'FORBIDDEN',
      domain: 'credit-ledger',
      metadata: { permission: 'write' },
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
