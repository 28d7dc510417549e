import { setTimeout as pause } from 'node:timers/promises';
import { monotonic } from '../../../src/db/clock.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../requests.ts';
import type { Json } from '../service.ts';

/** A request with its key, and what it was answered in the end. */
export type Asked = { readonly rpc: string; readonly request: Json; readonly answer: Json };

/** What came of one attempt: `unknown` where nobody can say whether it has happened. */
export type Outcome = 'done' | 'unknown' | `refused ${string}`;

export type WritersOptions = {
  /** Each attempt is made at one of them, in turn. */
  readonly urls: readonly string[];
  readonly customers: readonly string[];
  readonly writers: number;
  /** Between two requests of one writer. */
  readonly thinkMs: number;
  /** How long a caller waits for an answer. */
  readonly patienceMs: number;
  /** Told of every attempt. */
  readonly onOutcome: (outcome: Outcome, tookMs: number) => void;
};

export type Writers = {
  readonly acknowledged: readonly Asked[];
  repeated(): number;
  /** No new requests; resolves when all that were made are answered. */
  finish(): Promise<void>;
};

/**
 * Writers that ask for one thing after the other, each with a key, and repeat it until they are told that it is done:
 * what a caller who must not lose money does.
 */
export function startWriters(options: WritersOptions): Writers {
  const { urls, customers, thinkMs, patienceMs, onOutcome } = options;
  const acknowledged: Asked[] = [];
  let [turn, repeated, requests] = [0, 0, 0];
  const over = new AbortController();

  async function done(rpc: string, request: Json): Promise<Json> {
    for (let attempts = 0; ; attempts += 1) {
      if (attempts > 0) repeated += 1;
      const began = monotonic();
      const { outcome, answer } = await attempt(urls[(turn += 1) % urls.length]!, rpc, request, patienceMs);
      onOutcome(outcome, monotonic() - began);
      if (answer !== undefined) return answer;
      // As a caller would: at once for the first time, then with a pause.
      await pause(Math.min(50 * attempts, 500));
    }
  }

  async function write(own: number): Promise<void> {
    while (!over.signal.aborted) {
      const number = (requests += 1);
      const customerId = customers[(number * 7 + own) % customers.length]!;
      const { rpc, request } = requestOf(number, customerId);
      acknowledged.push({ rpc, request, answer: await done(rpc, request) });
      if (thinkMs > 0) await pause(thinkMs);
    }
  }

  const writing = Array.from({ length: options.writers }, (_, own) => write(own));
  return {
    acknowledged,
    repeated: () => repeated,
    async finish() {
      over.abort();
      await Promise.all(writing);
    },
  };
}

/** Mostly spends, and now and then credit to spend. */
function requestOf(number: number, customerId: string): { readonly rpc: string; readonly request: Json } {
  const idempotencyKey = `request ${number}`;
  if (number % 10 === 0) {
    return { rpc: 'CreateGrant', request: grantRequest({ customerId, amount: '5', idempotencyKey }) };
  }
  const amount = `0.${String((number % 97) + 1).padStart(2, '0')}`;
  return {
    rpc: 'ConsumeCredits',
    request: spendRequest({ customerId, amount, idempotencyKey, ...CREDIT_ONLY }),
  };
}

async function attempt(
  url: string,
  rpc: string,
  request: Json,
  patienceMs: number,
): Promise<{ readonly outcome: Outcome; readonly answer?: Json }> {
  try {
    const response = await fetch(`${url}/credit.v1.CreditService/${rpc}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'connect-timeout-ms': String(patienceMs) },
      body: JSON.stringify(request),
      // A little later, for an instance that cannot say that it is late.
      signal: AbortSignal.timeout(patienceMs + 1_000),
    });
    const body = (await response.json()) as Json;
    if (response.ok) return { outcome: 'done', answer: body };
    const reason: string =
      body['details']?.find((one: Json) => one['debug']?.reason)?.debug.reason ?? body['code'];
    return { outcome: UNKNOWN.has(reason) ? 'unknown' : `refused ${reason}` };
  } catch {
    // Refused, reset, cut off, or not answered in time.
    return { outcome: 'unknown' };
  }
}

/** Whether it has happened the service does not know either. */
const UNKNOWN = new Set(['DATABASE_UNAVAILABLE', 'DEADLINE_EXCEEDED']);
