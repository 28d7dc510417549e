import { expect, onTestFinished, test } from 'vitest';
import { mount } from '../../src/rpc/mounted-service.ts';
import { startServer } from '../../src/rpc/server.ts';
import { missingMethods, withUnimplemented } from '../../src/rpc/unimplemented.ts';
import { failureOf, protocols } from './clients.ts';
import { captureLog } from './harness.ts';
import { Probe, type ProbeImplementation } from './probe.ts';

const partial: Partial<ProbeImplementation> = { read: async () => ({ text: 'there' }) };

test('the missing RPCs are named', () => {
  expect(missingMethods(Probe, partial)).toEqual(['Write', 'Follow']);
});

test('a missing RPC is refused, the others work', async () => {
  const services = [mount(Probe, withUnimplemented(Probe, partial))];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    services,
    tokens: [],
    log: captureLog().log,
  });
  onTestFinished(() => server.close());
  const client = protocols['gRPC (grpc-js)'](server.url);
  onTestFinished(() => client.close());

  expect(await client.unary('read', { name: 'Ada' })).toMatchObject({ text: 'there' });
  const refused = { code: 'UNIMPLEMENTED', reason: 'UNIMPLEMENTED' };
  expect(await failureOf(client.unary('write', { name: 'Ada' }))).toMatchObject(refused);
  expect(await failureOf(client.follow({ name: 'Ada' })[Symbol.asyncIterator]().next())).toMatchObject(
    refused,
  );
});

test('mounting names the RPC whose handler was forgotten', () => {
  expect(() => mount(Probe, partial as ProbeImplementation)).toThrow(
    'wiretest.v1.Probe/Write has no handler',
  );
});
