import { randomUUID } from 'node:crypto';
import { BalancePart } from '#gen/credit/v1/balance_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { bareBatches } from '../baselines/bare-batch.ts';
import { oneTransactionEach } from '../baselines/one-transaction-each.ts';
import { customerId, SPEND } from '../support/customers.ts';
import { codeOf, createClient, type Client } from './client.ts';
import type { BalanceAsked, Calls } from './job.ts';

/** What became of one call: how many of the things it asked for succeeded, and why the others did not. */
export type Outcome = { readonly done: number; readonly refused: readonly string[] };

/** Makes calls, one at a time or many side by side. `series`: under which name its latency is kept. */
export type Caller = {
  next(): { readonly series: string; readonly perform: () => Promise<Outcome> };
  close(): Promise<void>;
};

export async function createCaller(calls: Calls, connections: number, deadlineMs: number): Promise<Caller> {
  switch (calls.kind) {
    case 'spend':
      return overGrpc(calls.servers, connections, deadlineMs, () => spend(calls.customers));
    case 'spendBatch':
      return overGrpc(calls.servers, connections, deadlineMs, () => spendBatch(calls.customers, calls.size));
    case 'balance':
      return overGrpc(calls.servers, connections, deadlineMs, inTurn(calls.asked));
    case 'balanceBatch':
      return overGrpc(calls.servers, connections, deadlineMs, () =>
        balanceBatch(calls.customers, calls.size),
      );
    case 'bareBatch':
      return bareBatches(calls.databaseUrl, connections, calls.customers, calls.size);
    case 'oneTransaction':
      return oneTransactionEach(calls.databaseUrl, connections, calls.customers);
  }
}

type Ask = {
  readonly series: string;
  readonly ask: (client: Client, deadlineMs: number) => Promise<Outcome>;
};

function overGrpc(
  servers: readonly string[],
  connections: number,
  deadlineMs: number,
  make: () => Ask,
): Caller {
  const client = createClient(servers, connections);
  return {
    next: () => {
      const { series, ask } = make();
      return { series, perform: () => ask(client, deadlineMs).catch(refusedWhole) };
    },
    close: () => Promise.resolve(client.close()),
  };
}

const refusedWhole = (error: unknown): Outcome => ({ done: 0, refused: [codeOf(error)] });
const ONE: Outcome = { done: 1, refused: [] };

const anyBelow = (count: number): number => Math.floor(Math.random() * count);

/** With a key of its own, as every client sends one. */
const oneSpend = (customers: number) => ({
  ...SPEND,
  customerId: customerId(anyBelow(customers)),
  idempotencyKey: randomUUID(),
});

const spend = (customers: number): Ask => ({
  series: 'spend',
  ask: async (client, deadlineMs) => {
    await client.call(CreditService.method.consumeCredits, oneSpend(customers), deadlineMs);
    return ONE;
  },
});

const spendBatch = (customers: number, size: number): Ask => ({
  series: 'spendBatch',
  ask: async (client, deadlineMs) => {
    const requests = Array.from({ length: size }, () => oneSpend(customers));
    const { results } = await client.call(CreditService.method.batchConsumeCredits, { requests }, deadlineMs);
    const refused = results.flatMap(({ outcome }) =>
      outcome.case === 'error' ? [outcome.value.reason] : [],
    );
    return { done: results.length - refused.length, refused };
  },
});

const balanceBatch = (customers: number, size: number): Ask => ({
  series: 'balanceBatch',
  ask: async (client, deadlineMs) => {
    const customerIds = Array.from({ length: size }, () => customerId(anyBelow(customers)));
    await client.call(CreditService.method.batchGetBalances, { customerIds }, deadlineMs);
    return { done: size, refused: [] };
  },
});

function inTurn(asked: readonly BalanceAsked[]): () => Ask {
  let turn = 0;
  return () => {
    const one = asked[(turn += 1) % asked.length]!;
    const ask = async (client: Client, deadlineMs: number) => {
      await askAbout(one, client, deadlineMs);
      return ONE;
    };
    return { series: one.series, ask };
  };
}

function askAbout(
  { prefix, count, between, about, parts }: BalanceAsked,
  client: Client,
  deadlineMs: number,
): Promise<unknown> {
  const who = { customerId: `${prefix}${anyBelow(count)}` };
  const then = between === null ? null : between[0] + anyBelow(between[1] - between[0]);
  const at = then === null ? {} : { asOf: timestamp(then) };
  switch (about) {
    case 'rows': {
      const request = { ...who, pageSize: 100, ...(then !== null && { bookedTo: timestamp(then) }) };
      return client.call(CreditService.method.listTransactions, request, deadlineMs);
    }
    case 'timeline': {
      const from = then ?? Date.now();
      const window = { from: timestamp(from), to: timestamp(from + 2 * 3_600_000) };
      return client.call(CreditService.method.getBalanceTimeline, { ...who, ...window }, deadlineMs);
    }
    case 'whole timeline': {
      const window = { from: timestamp(between![0]), to: timestamp(between![1]) };
      return client.call(CreditService.method.getBalanceTimeline, { ...who, ...window }, deadlineMs);
    }
    case 'balance':
    case 'balance known then': {
      const known = about === 'balance known then' && then !== null ? { knownAt: timestamp(then) } : {};
      const request = { ...who, parts: parts.map((part) => BalancePart[part]), ...at, ...known };
      return client.call(CreditService.method.getBalance, request, deadlineMs);
    }
  }
}

const timestamp = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });
