import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actorKey } from '../../src/rpc/call/incoming-call.ts';
import { failureOf, protocols, type WireClient } from './clients.ts';
import { serveProbe, type ProbeServer } from './harness.ts';

/** On whose behalf a caller says that it acts: `credit-ledger-actor`, over every protocol. */

let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe();
  server.behaviour.read = async (_request, context) => ({
    text: JSON.stringify(context.values.get(actorKey)),
  });
});
afterAll(() => server.close());

describe.each(Object.entries(protocols))('%s', (_protocol, connect) => {
  let client: WireClient;
  beforeAll(() => {
    client = connect(server.url);
  });
  afterAll(() => client.close());

  const told = async (actor?: string) => {
    const options = { requestId: 'r', ...(actor !== undefined && { actor }) };
    return JSON.parse((await client.unary('read', { name: 'Ada' }, options)).text) as object;
  };

  test.each([
    ['nobody', undefined, null],
    ['a name', 'jane', 'jane'],
    ['an address', 'Jane Doe <jane@example.com>', 'Jane Doe <jane@example.com>'],
    ['as much as there may be', 'x'.repeat(128), 'x'.repeat(128)],
  ])('%s', async (_case, actor, expected) => {
    expect(await told(actor)).toEqual({
      caller: 'anonymous',
      actor: expected,
      requestUuid: null,
      requestText: 'r',
    });
  });

  test('more than there may be is refused, and nothing done', async () => {
    const actor = 'x'.repeat(129);

    expect(await failureOf(client.unary('write', { name: 'Ada' }, { actor }))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'credit-ledger-actor: must be 1 to 128 printable ASCII characters',
      reason: 'INVALID_FIELD',
      domain: 'credit-ledger',
      metadata: { field: 'credit-ledger-actor', rule: 'actor.printable' },
      violations: [['credit-ledger-actor', 'actor.printable', 'must be 1 to 128 printable ASCII characters']],
    });
  });

  test('the log tells it, also of what is refused', async () => {
    const requestId = crypto.randomUUID();
    await failureOf(client.unary('read', { name: '' }, { actor: 'jane', requestId }));

    const line = await server.log.line((one) => one['requestId'] === requestId);
    expect(line).toMatchObject({ caller: 'anonymous', actor: 'jane' });
  });
});

/** HTTP/2 has no blanks at the ends of a header's value: what has them is no header. */
const overHttp1 = (actor: string) =>
  fetch(`${server.url}/wiretest.v1.Probe/Read`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'credit-ledger-actor': actor },
    body: '{"name": "Ada"}',
  });

test('blanks around a name are not part of it', async () => {
  const { text } = (await (await overHttp1('  jane ')).json()) as { text: string };

  expect(JSON.parse(text)).toMatchObject({ actor: 'jane' });
});

test.each([
  ['blanks alone', '  '],
  ['characters beyond ASCII', 'J\u00e4ne'],
])('%s are refused', async (_case, actor) => {
  const response = await overHttp1(actor);

  expect(response.status).toBe(400);
  expect(await response.text()).toContain('credit-ledger-actor');
});
