import { afterAll, describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { captureLog } from '../rpc/harness.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { observedService } from '../support/observed.ts';
import { testDatabase } from '../support/postgres.ts';
import { call } from '../support/service.ts';
import { untilSo } from '../support/until.ts';

/** What the metrics tell of what a service does. */

const { url: databaseUrl } = await testDatabase();
const service = await observedService(databaseUrl);
afterAll(() => service.stop());

const CREDIT = 'credit.v1.CreditService';
const ada = { customerId: 'ada', currency: 'USD' };
const CALLS = 'rpc_server_call_duration_seconds_count';

const credit = (method: string, request: object) => call(service.url, `${CREDIT}/${method}`, request);
await credit('CreateGrant', { ...ada, name: 'Welcome', amount: '100' });

/** How much of a series a piece of work has added. */
async function added(
  name: string,
  labels: Readonly<Record<string, string>>,
  work: () => Promise<unknown>,
): Promise<number> {
  const before = (await service.metrics()).value(name, labels) ?? 0;
  await work();
  return ((await service.metrics()).value(name, labels) ?? 0) - before;
}

const spend = (amount: string) => () => credit('ConsumeCredits', { ...ada, name: 'Job', amount });

describe('of a call', () => {
  test('its method, its code and that it came over Connect', async () => {
    const labels = {
      rpc_system_name: 'connectrpc',
      rpc_method: `${CREDIT}/ConsumeCredits`,
      rpc_response_status_code: 'OK',
      error_type: '',
    };
    expect(await added(CALLS, labels, spend('1'))).toBe(1);
  });

  test('that it came over gRPC', async () => {
    const client = grpcCaller(service.url);
    const labels = { rpc_system_name: 'grpc', rpc_method: `${CREDIT}/GetBalance` };
    expect(
      await added(CALLS, labels, () => client.call(CreditService.method.getBalance, { customerId: 'ada' })),
    ).toBe(1);
    client.close();
  });

  test('why it was refused', async () => {
    const labels = { rpc_response_status_code: 'FAILED_PRECONDITION', error_type: 'INSUFFICIENT_CREDIT' };
    expect(await added(CALLS, labels, spend('1000'))).toBe(1);
  });

  test('how long it took, in the bucket for it and in every wider one', async () => {
    const { series, value } = await service.metrics();
    const good = { rpc_method: `${CREDIT}/CreateGrant`, rpc_response_status_code: 'OK' };
    const buckets = series.filter(
      ({ name, labels }) =>
        name === 'rpc_server_call_duration_seconds_bucket' && labels['rpc_method'] === good.rpc_method,
    );
    const counts = buckets.map((bucket) => bucket.value);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: value(CALLS, good) });
    expect(value('rpc_server_call_duration_seconds_sum', good)).toBeGreaterThan(0);
  });

  test('that no handler got it, under one name whatever it asks for', async () => {
    const labels = { rpc_method: '_OTHER', error_type: 'UNKNOWN_METHOD' };
    const nonsense = () => Promise.all([1, 2, 3].map((i) => credit(`Nonsense${i}`, {})));
    expect(await added('credit_ledger_calls_turned_away_total', labels, nonsense)).toBe(3);
    expect((await service.metrics()).text).not.toContain('Nonsense');
  });

  test('no customer, no namespace and no key', async () => {
    const told = { customerId: 'cus-secret', namespace: 'space-secret', idempotencyKey: 'key-secret' };
    await credit('CreateGrant', { ...ada, ...told, name: 'Name-secret', amount: '7' });
    expect((await service.metrics()).text).not.toContain('secret');
  });
});

describe('of the way to the database', () => {
  test('a batch, how many writes it held, and its round trips', async () => {
    expect(await added('credit_ledger_batch_size_count', {}, spend('1'))).toBe(1);
    expect(await added('credit_ledger_batch_size_sum', {}, spend('1'))).toBe(1);
    const done = { manner: 'first', error_type: '' };
    expect(await added('credit_ledger_batch_duration_seconds_count', done, spend('1'))).toBe(1);

    const trips = { db_client_connection_pool_name: 'writes', error_type: '' };
    expect(await added('db_client_operation_duration_seconds_count', trips, spend('1'))).toBe(2);
    const pool = { db_client_connection_pool_name: 'writes' };
    expect(await added('credit_ledger_database_statements_total', pool, spend('1'))).toBe(10);
  });

  test('the pools: what is used, what is open, what waits and how many there may be', async () => {
    const { value } = await service.metrics();
    const pool = { db_client_connection_pool_name: 'writes' };
    const state = (of: string) =>
      value('db_client_connection_count', { ...pool, db_client_connection_state: of });
    expect(state('used')).toBe(0);
    expect(state('idle')).toBeGreaterThan(0);
    expect(value('db_client_connection_max', pool)).toBeGreaterThanOrEqual(state('idle')!);
    expect(value('db_client_connection_pending_requests', pool)).toBe(0);
  });

  test('whether open books were kept', async () => {
    const name = 'credit_ledger_book_cache_requests_total';
    expect(await added(name, { result: 'hit' }, spend('1'))).toBe(1);
    expect(await added(name, { result: 'miss' }, spend('1'))).toBe(0);
    expect((await service.metrics()).value('credit_ledger_book_cache_books')).toBeGreaterThan(0);
  });
});

describe('of streams', () => {
  test('how many are open, and how many books are watched', async () => {
    const client = grpcCaller(service.url);
    const balances = client.follow(CreditService.method.watchBalance, { customerId: 'ada' });
    await balances.next();
    const { value } = await service.metrics();
    expect(value('credit_ledger_streams', { kind: 'balance' })).toBe(1);
    expect(value('credit_ledger_streams_limit', { kind: 'balance' })).toBe(1_000);
    expect(value('credit_ledger_watched_books')).toBe(1);

    balances.cancel();
    const open = async () => (await service.metrics()).value('credit_ledger_streams', { kind: 'balance' });
    await untilSo('the stream has ended', async () => (await open()) === 0);
    const left = { rpc_method: `${CREDIT}/WatchBalance`, rpc_response_status_code: 'CANCELED' };
    expect((await service.metrics()).value(CALLS, left)).toBe(1);
    client.close();
  });
});

describe('the page', () => {
  test('is read at /metrics alone', async () => {
    const at = (path: string, method = 'GET') =>
      fetch(new URL(path, service.telemetry.metricsUrl), { method }).then(({ status }) => status);
    expect(await Promise.all([at('/metrics'), at('/'), at('/metrics/x'), at('/metrics', 'POST')])).toEqual([
      200, 404, 404, 404,
    ]);
  });

  test('is not there where its port is taken, unless the port was asked for', async () => {
    const { log, lines } = captureLog();
    const port = Number(new URL(service.telemetry.metricsUrl!).port);
    const start = (isWanted: boolean) =>
      startTelemetry({ metrics: { host: '127.0.0.1', port, isWanted }, traces: null, log });
    const left = await start(false);
    expect(left!.metricsUrl).toBeUndefined();
    expect(lines).toMatchObject([
      {
        level: 'warn',
        msg: 'no metrics are served',
        why: expect.stringMatching(/set CREDIT_LEDGER_METRICS_PORT/),
      },
    ]);
    await left!.close();
    await expect(start(true)).rejects.toThrow(/another process listens there.*CREDIT_LEDGER_METRICS_PORT/);
  });

  test('says so when it cannot be read', async () => {
    const { telemetry, stop } = await observedService(databaseUrl);
    telemetry.watchEmbedded(() => {
      throw new Error('nobody knows');
    });
    const { status, text } = await fetch(telemetry.metricsUrl!).then(async (one) => ({
      status: one.status,
      text: await one.text(),
    }));
    expect({ status, text }).toEqual({ status: 500, text: expect.stringMatching(/could not be read.*log/) });
    await stop();
    await expect(fetch(telemetry.metricsUrl!)).rejects.toThrow('fetch failed');
  });
});
