import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerKey } from '../../src/rpc/call/incoming-call.ts';
import { openCertificates, type Certificates } from '../../src/rpc/transport/certificates.ts';
import { authority, writePair, type Pair } from '../support/certificates.ts';
import { testClock } from '../support/clock.ts';
import { aCredential, changingCredentials } from '../support/credentials.ts';
import { captureLog, serveProbe, type ProbeServer } from './harness.ts';
import { Probe } from './probe.ts';

/** A client certificate calls as the credential of its name, over every protocol. */

const ours = authority('ours');
const billing = ours.issue(['URI:spiffe://corp/billing', 'DNS:billing.internal']);
const stranger = ours.issue(['DNS:stranger.internal']);
const byCertificate = {
  entry: { name: 'spiffe://corp/billing', rights: ['READ'], namespaces: ['ours'] },
};
const bySecret = aCredential('by-secret', ['READ', 'SPEND']);

const where = mkdtempSync(join(tmpdir(), 'callers-'));
const { credentials, become } = changingCredentials(byCertificate, bySecret);
let certificates: Certificates;
let server: ProbeServer;
beforeAll(async () => {
  const files = writePair(where, 'own', ours.issue(['DNS:localhost', 'IP:127.0.0.1']));
  const clientCa = join(where, 'clients.crt');
  writeFileSync(clientCa, ours.cert);
  const options = { clock: testClock().clock, log: captureLog().log };
  certificates = await openCertificates({ ...files, clientCa, clientCertificates: 'optional' }, options);
  server = await serveProbe([], { certificates, credentials });
  server.behaviour.read = async (_request, context) => ({ text: context.values.get(callerKey) });
});
afterAll(async () => {
  await server.close();
  await certificates.close();
  rmSync(where, { recursive: true });
});

type Shown = Pair | undefined;
const nodeOptions = (shown: Shown) => ({ ca: ours.cert, ...shown });
const ways: Record<string, (baseUrl: string, shown: Shown) => Transport> = {
  gRPC: (baseUrl, shown) => createGrpcTransport({ baseUrl, nodeOptions: nodeOptions(shown) }),
  'gRPC-Web over HTTP/2': (baseUrl, shown) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '2', nodeOptions: nodeOptions(shown) }),
  'Connect over HTTP/2': (baseUrl, shown) =>
    createConnectTransport({ baseUrl, httpVersion: '2', nodeOptions: nodeOptions(shown) }),
  'Connect over HTTP/1.1': (baseUrl, shown) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1', nodeOptions: nodeOptions(shown) }),
};

describe.each(Object.entries(ways))('%s', (_name, connect) => {
  const as = (shown: Shown) => createClient(Probe, connect(server.url, shown));
  const request = { name: 'Ada', namespace: 'ours' };

  test('calls by its name, with the rights and namespaces that belong to it', async () => {
    const client = as(billing);

    expect((await client.read(request)).text).toBe('spiffe://corp/billing');
    await expect(client.write(request)).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect(client.read({ ...request, namespace: 'theirs' })).rejects.toMatchObject({
      code: Code.PermissionDenied,
    });
  });

  test('of another name, or none, is nobody; with a secret it is whose secret that is', async () => {
    const headers = { authorization: `Bearer ${bySecret.secret}` };
    for (const shown of [stranger, undefined]) {
      const client = as(shown);
      await expect(client.read(request)).rejects.toMatchObject({ code: Code.Unauthenticated });
      expect((await client.read(request, { headers })).text).toBe('by-secret');
    }
    expect((await as(billing).read(request, { headers })).text).toBe('by-secret');
  });

  test('has its streams ended when its credential is withdrawn', async () => {
    server.behaviour.follow = async function* (_request, { signal }) {
      yield { text: 'first' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const messages = as(billing).follow(request)[Symbol.asyncIterator]();
    await messages.next();
    const ended = messages.next();

    become(bySecret);
    await expect(ended).rejects.toMatchObject({ code: Code.Unauthenticated });
    become(byCertificate, bySecret);
  });
});
