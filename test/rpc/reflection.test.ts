import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Health } from '#gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '#gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '#gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { createReadiness } from '../../src/live/readiness.ts';
import { createHealth } from '../../src/rpc/health.ts';
import { createReflection } from '../../src/rpc/reflection.ts';
import { transports } from '../support/transports.ts';
import { pathOf } from './clients.ts';
import { serveProbe, type ProbeServer } from './harness.ts';
import { frame } from './wires.ts';

const descriptors = readFileSync(new URL('../../gen/descriptors.binpb', import.meta.url));
const health = createHealth([Health.typeName], createReadiness());
let server: ProbeServer;
beforeAll(async () => {
  server = await serveProbe([health, ...createReflection(descriptors, [Health.typeName])]);
});
afterAll(() => server.close());

const ways = [ServerReflection, ServerReflectionAlpha].flatMap((service) =>
  Object.entries(transports)
    .filter(([name]) => name.endsWith('HTTP/2'))
    .map(([name, transportOf]) => ({ service, name, transportOf })),
);

test('what talks both ways at once is told to take HTTP/2', async () => {
  const response = await fetch(`${server.url}/${ServerReflection.typeName}/ServerReflectionInfo`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
    body: frame(Buffer.from('{}')),
  });

  expect(await response.text()).toMatch(/"message":"[^"]* talks both ways at once, which takes HTTP\/2"/);
});

describe.each(ways)('$service.typeName: $name', ({ service, transportOf }) => {
  /** The answer to one question, as both versions shape it. */
  async function ask(messageRequest: { case: string; value: unknown }) {
    const client = createClient(service as typeof ServerReflection, transportOf(server.url));
    async function* questions() {
      yield { host: 'h', messageRequest } as never;
    }
    for await (const { messageResponse } of client.serverReflectionInfo(questions())) return messageResponse;
    throw new Error('no answer');
  }

  test('lists the services that are served', async () => {
    expect(await ask({ case: 'listServices', value: '' })).toMatchObject({
      value: {
        service: [
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
          { name: 'grpc.reflection.v1alpha.ServerReflection' },
        ],
      },
    });
  });

  test.each([
    ['fileContainingSymbol', 'grpc.health.v1.Health'],
    ['fileContainingSymbol', 'grpc.health.v1.Health.Check'],
    ['fileContainingSymbol', 'grpc.health.v1.HealthCheckRequest.service'],
    ['fileByFilename', 'grpc/health/v1/health.proto'],
  ])('%s %s gives the file with its comments', async (kind, value) => {
    const response = await ask({ case: kind, value });
    if (response.case !== 'fileDescriptorResponse') throw new Error(response.case);
    const [bytes = new Uint8Array()] = response.value.fileDescriptorProto;
    const file = fromBinary(FileDescriptorProtoSchema, bytes);

    expect(file.name).toBe('grpc/health/v1/health.proto');
    expect(file.sourceCodeInfo?.location.some(({ leadingComments }) => leadingComments !== '')).toBe(true);
  });

  test('a file comes with what it imports', async () => {
    const response = await ask({ case: 'fileByFilename', value: 'google/rpc/error_details.proto' });
    if (response.case !== 'fileDescriptorResponse') throw new Error(response.case);
    const names = response.value.fileDescriptorProto.map(
      (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
    );

    expect(names).toEqual(['google/rpc/error_details.proto', 'google/protobuf/duration.proto']);
  });

  test('knows extensions', async () => {
    const containingType = 'google.protobuf.FieldOptions';
    expect(await ask({ case: 'allExtensionNumbersOfType', value: containingType })).toMatchObject({
      value: { extensionNumber: expect.arrayContaining([1159]) },
    });
    const value = { containingType, extensionNumber: 1159 };
    expect(await ask({ case: 'fileContainingExtension', value })).toMatchObject({
      case: 'fileDescriptorResponse',
    });
  });

  test.each([
    { case: 'fileByFilename', value: 'no/such.proto' },
    { case: 'fileContainingSymbol', value: 'no.such.Symbol' },
    { case: 'allExtensionNumbersOfType', value: 'no.such.Message' },
  ])('$case of something unknown is answered, not fatal', async (question) => {
    expect(await ask(question)).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
  });
});

describe('a stream whose next question is still to come', () => {
  /** Asks one question and leaves the stream open. */
  async function wait(headers: http2.OutgoingHttpHeaders = {}) {
    const other = await serveProbe(createReflection(descriptors, []), { graceMs: 100 });
    onTestFinished(() => other.close());
    const session = http2.connect(other.url);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(ServerReflection.method.serverReflectionInfo),
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const trailers = once(stream, 'trailers') as Promise<[http2.IncomingHttpHeaders]>;
    stream.write(LIST_SERVICES);
    await once(stream, 'data');
    stream.resume();
    return { server: other, trailers };
  }
  const failures = ({ log }: ProbeServer) => log.lines.filter(({ level }) => level === 'error');

  test('is told of a shutdown, and the log of no failure', async () => {
    const { server: other, trailers } = await wait();
    await other.close();

    expect((await trailers)[0]['grpc-status']).toBe(String(Code.Unavailable));
    expect(failures(other)).toEqual([]);
  });

  test('ends at its deadline, and the log tells of no failure', async () => {
    const { server: other, trailers } = await wait({ 'grpc-timeout': '200m' });

    expect((await trailers)[0]['grpc-status']).toBe(String(Code.DeadlineExceeded));
    await other.log.line(({ code }) => code === 'DEADLINE_EXCEEDED');
    await other.close();
    expect(failures(other)).toEqual([]);
  });
});

/** A message of one empty field 7, list_services. */
const LIST_SERVICES = Buffer.from('00000000023a00', 'hex');

// The real tool, where there is one: GRPCURL=<path of grpcurl> npm test
const grpcurl = process.env['GRPCURL'];
const run = async (...args: string[]) =>
  (await promisify(execFile)(grpcurl ?? '', ['-plaintext', ...args])).stdout;
const address = () => new URL(server.url).host;
describe.skipIf(grpcurl === undefined)('grpcurl (skipped unless GRPCURL names the binary)', () => {
  test('lists', async () => {
    expect(await run(address(), 'list')).toContain('grpc.health.v1.Health\n');
  });

  test('describes with comments', async () => {
    expect(await run(address(), 'describe', 'grpc.health.v1.Health.Check')).toContain(
      '// Check gets the health of the specified service',
    );
  });

  test('calls', async () => {
    expect(JSON.parse(await run(address(), 'grpc.health.v1.Health/Check'))).toEqual({ status: 'SERVING' });
  });
});
