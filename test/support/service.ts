import type { Clock } from '../../src/db/clock.ts';
import type { DatabaseOptions } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';
import { startService, type RunningService, type ServiceOptions } from '../../src/service.ts';

/** A clock that stands still until a test moves it. */
export type TestClock = { readonly clock: Clock; now: number };

export function testClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  const time: TestClock = { now: start, clock: () => time.now };
  return time;
}

/** The whole service over a test's own database, on a free loopback port. */
export const testService = (
  databaseUrl: string,
  options: {
    clock?: Clock;
    batchSize?: number;
    queueLimit?: number;
    onStatement?: DatabaseOptions['onStatement'];
    feeds?: NonNullable<ServiceOptions['feeds']>;
  } = {},
): Promise<RunningService> =>
  startService({
    ...{ databaseUrl, host: '127.0.0.1', port: 0, tokens: [], graceMs: 2_000, poolSize: 6 },
    ...{ batchSize: 64, queueLimit: 1024, log: createLog('silent') },
    ...options,
  });

/** A refused call, as Connect's JSON tells it. */
export type CallError = {
  readonly code: string;
  readonly message: string;
  readonly reason: string | undefined;
  readonly metadata: Record<string, string>;
  readonly violations: readonly { field: string; description: string; reason: string }[];
};

export type CallResult =
  | { readonly ok: true; readonly answer: Json }
  | { readonly ok: false; readonly error: CallError };
export type Json = { readonly [key: string]: any };

/** Calls an RPC as curl would: `credit.v1.CreditService/GetBalance` with a JSON object. */
export async function call(url: string, method: string, request: object): Promise<CallResult> {
  const response = await fetch(`${url}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const body = (await response.json()) as Json;
  if (response.ok) return { ok: true, answer: body };
  const detail = (type: string) => body['details']?.find((d: Json) => d['type'] === type)?.debug;
  const info = detail('google.rpc.ErrorInfo');
  return {
    ok: false,
    error: {
      code: String(body['code']).toUpperCase(),
      message: body['message'],
      reason: info?.reason,
      metadata: info?.metadata ?? {},
      violations: detail('google.rpc.BadRequest')?.fieldViolations ?? [],
    },
  };
}
