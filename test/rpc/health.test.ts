import { create } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#gen/grpc/health/v1/health_pb.ts';
import { HealthCheckRequestSchema } from '#gen/grpc/health/v1/health_pb.ts';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { createReadiness } from '../../src/live/readiness.ts';
import { createHealth } from '../../src/rpc/health.ts';
import { serveProbe, type ProbeServer } from './harness.ts';

const readiness = createReadiness();
const health = createHealth(['wiretest.v1.Probe'], readiness);
let server: ProbeServer;
beforeAll(async () => {
  // Health asks for no token even where everything else does.
  const credentials = tokenCredentials([{ name: 'billing', permission: 'write', token: 'secret' }]);
  server = await serveProbe([health], { credentials });
});
beforeEach(() => void readiness.set(null));
afterAll(() => server.close());

const transports = {
  gRPC: () => createGrpcTransport({ baseUrl: server.url }),
  'Connect JSON': () =>
    createConnectTransport({ baseUrl: server.url, httpVersion: '1.1', useBinaryFormat: false }),
};

describe.each(Object.entries(transports))('over %s', (_name, transport) => {
  const client = () => createClient(Health, transport());

  test.each(['', 'wiretest.v1.Probe'])('"%s" serves when told so', async (service) => {
    expect((await client().check({ service })).status).toBe(Status.SERVING);
    readiness.set('DATABASE_UNAVAILABLE');
    expect((await client().check({ service })).status).toBe(Status.NOT_SERVING);
  });

  test('an unknown service is NOT_FOUND', async () => {
    await expect(client().check({ service: 'no.such.Service' })).rejects.toMatchObject({
      code: Code.NotFound,
    });
  });

  test('lists every service', async () => {
    const { statuses } = await client().list({});

    expect(Object.keys(statuses)).toEqual(['', 'wiretest.v1.Probe']);
  });

  test('a watch starts with the present status and follows it', async () => {
    const watch = client().watch(create(HealthCheckRequestSchema))[Symbol.asyncIterator]();
    const next = async () => ((await watch.next()).value as { status: Status }).status;

    expect(await next()).toBe(Status.SERVING);
    readiness.set('DATABASE_UNAVAILABLE');
    expect(await next()).toBe(Status.NOT_SERVING);
    readiness.set(null);
    expect(await next()).toBe(Status.SERVING);
    await watch.return?.();
  });

  test('a watch of an unknown service stays open', async () => {
    const hangUp = new AbortController();
    const statuses = client().watch({ service: 'no.such.Service' }, { signal: hangUp.signal });
    const watch = statuses[Symbol.asyncIterator]();

    expect((await watch.next()).value).toMatchObject({ status: Status.SERVICE_UNKNOWN });
    const ended = watch.next();
    hangUp.abort();
    await expect(ended).rejects.toMatchObject({ code: Code.Canceled });
  });
});
