import type { Clock } from '../../src/db/clock.ts';
import type { DatabaseOptions } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';
import { assertDocumented } from './documented.ts';
import { startService, type RunningService, type ServiceOptions } from '../../src/service.ts';

/** The whole service over a test's own database, on a free loopback port. */
export const testService = (
  databaseUrl: string,
  options: {
    clock?: Clock;
    credentials?: ServiceOptions['credentials'];
    replicaUrl?: string;
    lanes?: number;
    batchSize?: number;
    queueLimit?: number;
    maxOpenGrants?: number;
    maxOpenCharges?: number;
    keptFacts?: number;
    kept?: NonNullable<ServiceOptions['kept']>;
    maxWatches?: number;
    staleAfterMs?: number;
    doorbell?: boolean;
    dueBooker?: boolean;
    graceMs?: number;
    log?: ServiceOptions['log'];
    poolSize?: number;
    limits?: NonNullable<ServiceOptions['limits']>;
    onStatement?: DatabaseOptions['onStatement'];
    feeds?: NonNullable<ServiceOptions['feeds']>;
    telemetry?: ServiceOptions['telemetry'];
  } = {},
): Promise<RunningService> =>
  startService({
    databaseUrl,
    host: '127.0.0.1',
    port: 0,
    credentials: null,
    graceMs: 2_000,
    poolSize: 13,
    lanes: 4,
    batchSize: 64,
    queueLimit: 1024,
    maxOpenGrants: 10_000,
    maxOpenCharges: 10_000,
    keptFacts: 10_000,
    log: createLog('silent'),
    maxWatches: 1_000,
    watchPollMs: 1_000,
    heartbeatMs: 15_000,
    doorbell: false,
    dueBooker: false,
    dueBookerIntervalMs: 10_000,
    clockLeewayMs: 1_000,
    ...options,
    // Years may pass by hand while the database answers one question.
    ...(options.clock !== undefined && { limits: { silenceMs: 2 ** 50, ...options.limits } }),
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
export async function call(
  url: string,
  method: string,
  request: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<CallResult> {
  const response = await fetch(`${url}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  });
  const body = (await response.json()) as Json;
  if (response.ok) {
    const results: readonly Json[] = body['results'] ?? [];
    for (const { error } of results) {
      if (error !== undefined) assertDocumented(method, { metadata: {}, ...error }, true);
    }
    return { ok: true, answer: body };
  }
  const detail = (type: string) => body['details']?.find((d: Json) => d['type'] === type)?.debug;
  const info = detail('google.rpc.ErrorInfo');
  assertDocumented(method, { reason: info?.reason, metadata: info?.metadata ?? {} });
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
