import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { captureLog } from '../rpc/harness.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { observedService } from '../support/observed.ts';
import { otlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { testDatabase } from '../support/postgres.ts';
import { call, testService } from '../support/service.ts';
import { blocksOf, sectionOf } from '../support/shown.ts';

/** What is sent to a collector of what a service does. */

const receiver = await otlpReceiver();
process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url;
process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment.name=test';
afterAll(() => receiver.close());

const CREDIT = 'credit.v1.CreditService';
const [TRACE, CALLER] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'] as const;
const callersSay = (flags: string, trace: string = TRACE) => ({
  traceparent: `00-${trace}-${CALLER}-${flags}`,
});
const another = (i: number) => `${i}${TRACE.slice(1)}`;

const { url: databaseUrl } = await testDatabase();
const { log, lines } = captureLog();
const spends = { customerId: 'ada', name: 'Job', currency: 'USD', amount: '1' };

/** Nothing is traced unless a caller asks for it. */
const onDemand = { sampler: 'parentbased_always_off', ratio: 1 } as const;

/** Asks for a balance by gRPC's own client; gives the headers of the answer. */
const overGrpc = (url: string, sent: Readonly<Record<string, string>>): Promise<Headers> =>
  new Promise((resolve, reject) => {
    const client = new Client(new URL(url).host, credentials.createInsecure());
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(sent)) metadata.set(name, value);
    const { input } = CreditService.method.getBalance;
    const request = Buffer.from(toBinary(input, create(input, { customerId: 'ada' })));
    const received = new Headers();
    client
      .makeUnaryRequest(
        `/${CREDIT}/GetBalance`,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        request,
        metadata,
        (error) => {
          client.close();
          if (error === null) resolve(received);
          else reject(error);
        },
      )
      .on('metadata', (headers) => {
        for (const [name, value] of Object.entries(headers.getMap())) received.set(name, String(value));
      });
  });

const headersSeen: Headers[] = [];
beforeAll(async () => {
  const service = await observedService(databaseUrl, { traces: onDemand, log, lanes: 1 });
  const { url } = service;
  const credit = (method: string, request: object, headers = {}) =>
    call(url, `${CREDIT}/${method}`, request, headers);
  await credit('CreateGrant', { customerId: 'ada', name: 'Welcome', currency: 'USD', amount: '100' });
  await credit('ConsumeCredits', spends);

  // One by itself, over gRPC's sister so that the answer's headers are in sight.
  const alone = await fetch(`${url}/${CREDIT}/ConsumeCredits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'job-1', ...callersSay('01') },
    body: JSON.stringify(spends),
  });
  headersSeen.push(alone.headers);
  await credit('ConsumeCredits', spends, callersSay('00', another(1)));
  await credit('ConsumeCredits', { ...spends, amount: '1000' }, callersSay('01', another(2)));
  await credit('GetBalance', { customerId: 'ada' }, callersSay('01', another(3)));
  headersSeen.push(await overGrpc(url, callersSay('01', another(8))));
  await Promise.all(
    [4, 5, 6].map((i) => credit('GetBalance', { customerId: 'ada' }, callersSay('01', another(i)))),
  );
  // Enough at once for some to share a batch.
  await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      credit('ConsumeCredits', spends, callersSay(i % 2 === 0 ? '01' : '00', another(7))),
    ),
  );
  await service.stop();
});

const spansOf = (trace: string): readonly ReceivedSpan[] =>
  receiver.spans.filter(({ traceId }) => traceId === trace);
const childrenOf = ({ spanId }: ReceivedSpan) => receiver.spans.filter(({ parentId }) => parentId === spanId);
const rootOf = (trace: string) => spansOf(trace).find(({ parentId }) => parentId === CALLER)!;

describe('a spend', () => {
  const page = readFileSync('docs/operating.md', 'utf8');
  test('is a call, its batch and its round trips, as docs/operating.md shows', () => {
    const [shown] = blocksOf(sectionOf(page, '## Traces')).filter(({ language }) => language === 'text');
    expect(`${pictureOf(rootOf(TRACE))}\n`).toBe(shown!.text);
  });

  test('lies within its caller, and each part within what it is a part of', () => {
    const spans = spansOf(TRACE);
    expect(spans).toHaveLength(4);
    for (const span of spans) {
      expect(span.endedAt).toBeGreaterThanOrEqual(span.startedAt);
      for (const child of childrenOf(span)) {
        expect(child.startedAt).toBeGreaterThanOrEqual(span.startedAt);
        expect(child.endedAt).toBeLessThanOrEqual(span.endedAt);
      }
    }
  });

  test('tells its caller which span it was', () => {
    const [overConnect, byGrpc] = headersSeen.map((headers) => headers.get('traceparent'));
    expect(overConnect).toBe(`00-${TRACE}-${rootOf(TRACE).spanId}-01`);
    expect(byGrpc).toBe(`00-${another(8)}-${rootOf(another(8)).spanId}-01`);
    expect(rootOf(another(8)).attributes).toMatchObject({ 'rpc.system.name': 'grpc' });
  });

  test('that is refused says why, and is no error of ours', () => {
    const { attributes, isError } = rootOf(another(2));
    expect(attributes).toMatchObject({
      'rpc.response.status_code': 'FAILED_PRECONDITION',
      'error.type': 'INSUFFICIENT_CREDIT',
    });
    expect(isError).toBe(false);
  });

  test('is not traced where its caller says so, nor where nobody says anything', () => {
    expect(spansOf(another(1))).toEqual([]);
    const traced = receiver.spans.filter(({ kind }) => kind === 'SERVER').map(({ traceId }) => traceId);
    expect(new Set(traced)).toEqual(new Set([TRACE, ...[2, 3, 4, 5, 6, 7, 8].map(another)]));
  });
});

describe('writes that share a batch', () => {
  const batches = () => receiver.spans.filter(({ name }) => name === 'batch of writes');

  test('are linked from it, those that are traced; it stands in the trace of one of them', () => {
    const calls = new Map(
      receiver.spans.filter(({ kind }) => kind === 'SERVER').map((span) => [span.spanId, span]),
    );
    const linked = batches().flatMap(({ links }) => links);
    const spent = [...calls.values()].filter(({ name }) => name.endsWith('/ConsumeCredits'));
    expect(linked.toSorted()).toEqual(spent.map(({ spanId }) => spanId).toSorted());
    for (const { parentId, links } of batches()) expect(links[0]).toBe(parentId);
    expect(
      Math.max(...batches().map(({ attributes }) => Number(attributes['credit_ledger.batch.size']))),
    ).toBeGreaterThan(1);
  });

  test('go to the database once, in the batch', () => {
    for (const batch of batches()) {
      expect(childrenOf(batch).length).toBeGreaterThan(0);
      expect(childrenOf(batch).every(({ kind }) => kind === 'CLIENT')).toBe(true);
    }
  });
});

describe('a question', () => {
  test('has its round trips', () => {
    const [trip, ...others] = childrenOf(rootOf(another(3)));
    expect(others).toEqual([]);
    expect(trip).toMatchObject({
      kind: 'CLIENT',
      attributes: { 'db.client.connection.pool.name': 'questions' },
    });
  });

  test('that shares a round with others leaves it to one of them, and none to anybody else', () => {
    const trips = [4, 5, 6].flatMap((i) => childrenOf(rootOf(another(i))));
    expect(trips.length).toBeGreaterThan(0);
    expect(trips.length).toBeLessThanOrEqual(3);
    const ids = new Set(receiver.spans.map(({ spanId }) => spanId));
    const orphans = receiver.spans.filter(({ parentId }) => parentId !== CALLER && !ids.has(parentId));
    expect(orphans).toEqual([]);
  });
});

test('spans are those of this service, and of what the environment says of it', () => {
  expect(receiver.resource()).toMatchObject({
    'service.name': 'credit-ledger',
    'deployment.environment.name': 'test',
  });
});

describe('the log', () => {
  test('has the trace of each call whose caller says which, traced or not', () => {
    const traced = lines.filter(({ msg, traceId }) => msg === 'rpc' && traceId === TRACE);
    expect(traced).toMatchObject([{ requestId: 'job-1', code: 'OK' }]);
    expect(lines.filter(({ traceId }) => traceId === another(1))).toHaveLength(1);
    expect(lines.filter(({ msg, traceId }) => msg === 'rpc' && traceId === undefined)).toHaveLength(2);
  });

  test('has it where nothing is traced at all, over gRPC, too', async () => {
    const own = captureLog();
    const service = await testService(databaseUrl, { log: own.log });
    const client = grpcCaller(service.url);
    await client.call(CreditService.method.getBalance, { customerId: 'ada' });
    for (const said of [callersSay('00').traceparent, 'nonsense', `00-${'0'.repeat(32)}-${CALLER}-01`])
      await call(service.url, `${CREDIT}/GetBalance`, { customerId: 'ada' }, { traceparent: said });
    await call(service.url, `${CREDIT}/Nothing`, {}, callersSay('01', another(9)));
    client.close();
    await service.stop();
    expect(own.lines).toContainEqual(
      expect.objectContaining({ msg: 'rpc turned away', traceId: another(9) }),
    );
    const told = own.lines.filter(({ msg }) => msg === 'rpc').map(({ traceId }) => traceId);
    expect(told).toEqual([undefined, TRACE, undefined, undefined]);
  });
});

/** A span with what it is made of, one line each. */
function pictureOf(span: ReceivedSpan, depth = 0): string {
  const { name, kind, attributes, links } = span;
  const told = Object.entries(attributes).map(
    ([key, value]) => `${key}=${value.includes(' ') ? `"${value}"` : value}`,
  );
  const linked = links.map((id) => `link=${receiver.spans.find(({ spanId }) => spanId === id)!.name}`);
  const more = [...told, ...linked].map((line) => `\n${'  '.repeat(depth + 2)}${line}`).join('');
  const head = `${'  '.repeat(depth)}${kind} ${name}${more}`;
  const parts = childrenOf(span).toSorted((a, b) => Number(a.startedAt - b.startedAt));
  return [head, ...parts.map((part) => pictureOf(part, depth + 1))].join('\n');
}
