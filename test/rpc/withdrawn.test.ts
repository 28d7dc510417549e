import { once } from 'node:events';
import * as http2 from 'node:http2';
import { Code } from '@connectrpc/connect';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallObserver } from '../../src/rpc/call/call-observer.ts';
import type { Credentials } from '../../src/credentials/credential.ts';
import { makeSecret } from '../../src/credentials/secret.ts';
import { aCredential, changingCredentials, type MadeCredential } from '../support/credentials.ts';
import { failureOf, protocols } from './clients.ts';
import { serveProbe, signal, type ProbeServer } from './harness.ts';
import { ADA, frame } from './wires.ts';

/** A stream outlives what was true when it was opened: it ends as soon as its caller may not have it any more. */

const caller = aCredential('dashboard', ['READ'], ['ours']);
const other = aCredential('other', ['READ'], ['ours']);
const having = (more: object): { readonly entry: object } => ({ entry: { ...caller.entry, ...more } });

let server: ProbeServer;
afterEach(() => server.close());

/** A stream that was opened, and stays open; `ended` tells what it ended with. */
async function opened(
  connect: (url: string) => ReturnType<(typeof protocols)['gRPC (grpc-js)']>,
  from: MadeCredential,
  credentials: Credentials,
) {
  const left = signal();
  server = await serveProbe([], { credentials });
  server.behaviour.follow = async function* ({ name }, context) {
    yield { text: name };
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
    left.resolve();
  };
  const client = connect(server.url);
  const stream = client.follow({ name: 'Ada', namespace: 'ours' }, { token: from.secret });
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  return { client, left: left.promise, ended: failureOf(messages.next()), messages };
}

describe.each(Object.entries(protocols))('%s: a stream ends', (_protocol, connect) => {
  test.each<[string, readonly { readonly entry: object }[], object]>([
    ['its credential is withdrawn', [other], { code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' }],
    [
      'its secret is replaced',
      [having({ secrets: [makeSecret().hash] })],
      { code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' },
    ],
    [
      'its credential loses the right',
      [having({ rights: ['SPEND'] })],
      { reason: 'FORBIDDEN', metadata: { permission: 'READ', namespace: '' } },
    ],
    [
      'its credential loses the namespace',
      [having({ namespaces: ['theirs'] })],
      { reason: 'FORBIDDEN', metadata: { permission: 'READ', namespace: 'ours' } },
    ],
  ])('when %s', async (_when, next, told) => {
    const { credentials, become } = changingCredentials(caller, other);
    const { client, ended, left } = await opened(connect, caller, credentials);

    become(...next);
    expect(await ended).toMatchObject(told);
    await left;
    const line = await server.log.line(({ reason }) => reason === (told as { reason: string }).reason);
    expect(line).toMatchObject({ caller: 'dashboard', method: 'wiretest.v1.Probe/Follow', sent: 1 });
    client.close();
  });
});

test('a stream goes on while its secret is good: beside a new one, under another name, with more rights', async () => {
  const { credentials, become } = changingCredentials(caller);
  const { client, messages, ended } = await opened(protocols['gRPC (grpc-js)'], caller, credentials);

  const secrets = [...caller.entry.secrets, makeSecret().hash];
  become(having({ secrets }));
  become(having({ secrets, name: 'renamed' }), other);
  become(having({ secrets, rights: ['READ', 'ADMIN'], namespaces: '*' }));
  become(having({ secrets: caller.entry.secrets }));
  // What ends it is this, and nothing before.
  const closing = server.close();
  expect(await ended).toMatchObject({ reason: 'SHUTTING_DOWN' });
  await messages.return?.();
  await closing;
  client.close();
});

test('a unary call that was let in is answered, and the next one is not let in', async () => {
  const { credentials, become } = changingCredentials(caller);
  server = await serveProbe([], { credentials });
  const [begun, go] = [signal(), signal()];
  server.behaviour.read = async ({ name }) => {
    begun.resolve();
    await go.promise;
    return { text: name };
  };
  const client = protocols['gRPC (grpc-js)'](server.url);
  const ask = () => client.unary('read', { name: 'Ada', namespace: 'ours' }, { token: caller.secret });
  const answer = ask();
  await begun.promise;

  become(other);
  go.resolve();
  expect(await answer).toMatchObject({ text: 'Ada' });
  expect(await failureOf(ask())).toMatchObject({ reason: 'UNAUTHENTICATED' });
  client.close();
});

test.each(['Read', 'Follow'])(
  '%s is not begun if its caller was withdrawn while the request came',
  async (rpc) => {
    const { credentials, become } = changingCredentials(caller, other);
    const letIn = signal();
    const observer: CallObserver = {
      began() {
        letIn.resolve();
        return undefined;
      },
      ended: () => undefined,
      turnedAway: () => undefined,
    };
    server = await serveProbe([], { credentials, observer });
    let begun = 0;
    server.behaviour.read = async () => ({ text: String((begun += 1)) });
    const session = http2.connect(server.url);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/wiretest.v1.Probe/${rpc}`,
      'content-type': 'application/grpc',
      authorization: `Bearer ${caller.secret}`,
      te: 'trailers',
    });
    await letIn.promise;

    become(other);
    const answered = once(stream, 'response');
    stream.resume().end(frame(ADA));
    const [headers] = (await answered) as [http2.IncomingHttpHeaders];
    expect(headers['grpc-status']).toBe(String(Code.Unauthenticated));
    expect(begun).toBe(0);
    session.destroy();
  },
);

test('a server that has stopped asks no more who may call', async () => {
  const { credentials, listeners } = changingCredentials(caller);
  server = await serveProbe([], { credentials });
  expect(listeners.size).toBe(1);

  await server.close();
  expect(listeners.size).toBe(0);
});
