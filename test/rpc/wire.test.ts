import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { REASONS } from '../../src/reasons.ts';
import { refuse } from '../../src/refusal.ts';
import { collect, failureOf, type CallOptions, type WireClient } from './clients.ts';
import { everyLine, serveProbe, signal, type ProbeServer } from './harness.ts';
import { Probe } from './probe.ts';

describe.each(everyLine())('%s', (_protocol, connect, served) => {
  let server: ProbeServer;
  let original: ProbeServer['behaviour'];
  let client: WireClient;
  beforeAll(async () => {
    server = await serveProbe([], served);
    original = { ...server.behaviour };
    client = connect(server.url);
  });
  beforeEach(() => Object.assign(server.behaviour, original));
  afterAll(async () => {
    client.close();
    await server.close();
  });

  test('answers a unary call', async () => {
    expect(await client.unary('read', { name: 'Ada' })).toMatchObject({ text: 'hello Ada' });
  });

  test('gives a handler Connect’s context, and sends the headers and trailers it sets', async () => {
    let seen: object = {};
    server.behaviour.read = async (_request, context) => {
      const { method, service, requestMethod, protocolName, requestHeader, url } = context;
      seen = { method, service, requestMethod, protocolName, url: new URL(url).pathname };
      expect(requestHeader.get('x-request-id')).toBe('a-request');
      expect(context.timeoutMs()).toBeGreaterThan(50_000);
      context.responseHeader.set('x-said', 'before');
      context.responseTrailer.set('x-told', 'after');
      return { text: 'there' };
    };
    const heard = new Map<string, string>();
    const hear = (name: string, value: string) => void heard.set(name, value);
    await client.unary('read', { name: 'Ada' }, { requestId: 'a-request', hear });

    expect(seen).toEqual({
      method: Probe.method.read,
      service: Probe,
      requestMethod: 'POST',
      protocolName: expect.stringMatching(/^(grpc|grpc-web|connect)$/),
      url: '/wiretest.v1.Probe/Read',
    });
    expect(heard.get('x-said')).toBe('before');
    expect(heard.get('x-told') ?? heard.get('trailer-x-told')).toBe('after');
  });

  test('tells the request id with every answer', async () => {
    const heard: string[] = [];
    const hear = (name: string, value: string) => void (name === 'x-request-id' && heard.push(value));
    const told = async (call: (options: CallOptions) => Promise<unknown>) => {
      heard.length = 0;
      await call({ requestId: 'a-request', hear }).catch(() => 'refused');
      return heard;
    };

    expect(await told((options) => client.unary('read', { name: 'Ada' }, options))).toEqual(['a-request']);
    expect(await told((options) => collect(client.follow({ name: 'Ada' }, options)))).toEqual(['a-request']);
    expect(await told((options) => collect(client.follow({}, options)))).toContain('a-request');
    server.behaviour.follow = async function* () {};
    expect(await told((options) => collect(client.follow({ name: 'Ada' }, options)))).toEqual(['a-request']);
  });

  test('makes a request id where the caller gives none, the one in the log', async () => {
    const heard: string[] = [];
    const hear = (name: string, value: string) => void (name === 'x-request-id' && heard.push(value));
    await client.unary('read', { name: 'Ada' }, { hear });

    expect(await server.log.line(({ requestId }) => requestId === heard[0])).toMatchObject({ code: 'OK' });
  });

  test('shows every violation at once, the first also in the metadata', async () => {
    expect(await failureOf(client.unary('read', { amount: 'x' }))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'name: must be at least 1 characters; amount: must be a decimal',
      reason: 'INVALID_FIELD',
      domain: 'credit-ledger',
      metadata: { field: 'name', rule: 'string.min_len' },
      violations: [
        ['name', 'string.min_len', 'must be at least 1 characters'],
        ['amount', 'amount', 'must be a decimal'],
      ],
    });
  });

  test('takes the reason from a rule that is named like one', async () => {
    expect(await failureOf(client.unary('read', { filter: 'a*' }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'UNSUPPORTED_FEATURE_FILTER',
      metadata: { field: 'filter', rule: 'UNSUPPORTED_FEATURE_FILTER' },
      violations: [
        ['name', 'string.min_len', expect.any(String)],
        ['filter', 'UNSUPPORTED_FEATURE_FILTER', 'no wildcards'],
      ],
    });
  });

  test('sends a refusal with its metadata and when to try again', async () => {
    server.behaviour.write = async () => refuse('OVERLOADED', 'lost a place: Ωmega', { limit: '2' });

    expect(await failureOf(client.unary('write', { name: 'Ada' }))).toEqual({
      code: 'RESOURCE_EXHAUSTED',
      message: 'lost a place: Ωmega',
      reason: 'OVERLOADED',
      domain: 'credit-ledger',
      metadata: { limit: '2' },
      retryMs: REASONS.OVERLOADED.retryAfterMs,
    });
  });

  test('survives text that is no valid Unicode', async () => {
    server.behaviour.read = async () =>
      refuse('INVALID_FIELD', 'half a pair: \ud800', { field: '\ud800', rule: 'text' });

    expect(await failureOf(client.unary('read', { name: 'Ada' }))).toMatchObject({
      message: 'half a pair: \ufffd',
    });
  });

  test('hides an unforeseen failure behind the request id; the log has the stack', async () => {
    const requestId = crypto.randomUUID();
    server.behaviour.read = async () => {
      throw new Error('select secret from customers');
    };

    expect(await failureOf(client.unary('read', { name: 'Ada' }, { requestId }))).toEqual({
      code: 'INTERNAL',
      message: `internal error; the server's log has it under request id ${requestId}`,
      reason: 'INTERNAL',
      domain: 'credit-ledger',
      metadata: { request_id: requestId },
    });
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      level: 'error',
      method: 'wiretest.v1.Probe/Read',
      code: 'INTERNAL',
      err: { message: 'select secret from customers', stack: expect.stringContaining('wire.test.ts') },
    });
  });

  test('says that the database is gone; why is in the log alone', async () => {
    const requestId = crypto.randomUUID();
    const cause = Object.assign(new Error('too many connections for role "x"'), { code: '53300' });
    server.behaviour.read = async () => {
      throw cause;
    };

    expect(await failureOf(client.unary('read', { name: 'Ada' }, { requestId }))).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the database cannot be reached; ask again',
      reason: 'DATABASE_UNAVAILABLE',
      retryMs: 1_000,
    });
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      level: 'warn',
      reason: 'DATABASE_UNAVAILABLE',
      cause: 'too many connections for role "x"',
    });
  });

  test('ends a call at its deadline, and the handler is told', async () => {
    const requestId = crypto.randomUUID();
    const told = signal<number | undefined>();
    server.behaviour.read = (_request, context) =>
      new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => {
          told.resolve(context.timeoutMs());
          reject(context.signal.reason as Error);
        });
      });

    expect(
      await failureOf(client.unary('read', { name: 'Ada' }, { timeoutMs: 150, requestId })),
    ).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    expect(await told.promise).toBeLessThanOrEqual(150);
    // Callers with a clock of their own may hang up a moment before the server's timer fires.
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      code: expect.stringMatching('DEADLINE_EXCEEDED|CANCELED'),
    });
  });

  test('tells the handler when the caller hangs up', async () => {
    const requestId = crypto.randomUUID();
    const started = signal();
    const told = signal();
    server.behaviour.read = (_request, context) => {
      started.resolve();
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => {
          told.resolve();
          reject(context.signal.reason as Error);
        });
      });
    };
    const hangUp = new AbortController();
    const call = client
      .unary('read', { name: 'Ada' }, { signal: hangUp.signal, requestId })
      .catch(() => 'failed');
    await started.promise;
    hangUp.abort();

    await told.promise;
    expect(await call).toBe('failed');
    expect(await server.log.line((line) => line['requestId'] === requestId)).toMatchObject({
      code: 'CANCELED',
    });
  });

  test('logs what a handler throws after its caller has gone', async () => {
    const requestId = crypto.randomUUID();
    const started = signal();
    const hangUp = new AbortController();
    server.behaviour.read = (_request, context) => {
      started.resolve();
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(new Error('a bug on the way out')));
      });
    };
    const call = client
      .unary('read', { name: 'Ada' }, { signal: hangUp.signal, requestId })
      .catch(() => 'failed');
    await started.promise;
    hangUp.abort();
    await call;

    const isAftermath = (line: object) =>
      'err' in line && 'requestId' in line && line.requestId === requestId;
    expect(await server.log.line(isAftermath)).toMatchObject({ err: { message: 'a bug on the way out' } });
  });

  test('refuses a request of more than 4 MiB', async () => {
    expect(
      await failureOf(client.unary('read', { name: 'Ada', padding: 'x'.repeat(5 << 20) })),
    ).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
    });
  });

  test('takes a request of nearly 4 MiB and gives an answer of more', async () => {
    server.behaviour.read = async ({ padding }) => ({ text: padding });
    const padding = 'x'.repeat((4 << 20) - 100);

    expect((await client.unary('read', { name: 'Ada', padding })).text).toHaveLength(padding.length);
  });
});
