import { randomUUID } from 'node:crypto';
import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { WatchBalanceResponse } from '#gen/credit/v1/watch_pb.ts';
import { waitUntil } from '../../src/db/clock.ts';
import { customerId, SPEND } from '../support/customers.ts';
import { createSamples } from '../support/samples.ts';
import { codeOf, createClient, type Client } from './client.ts';
import { keepPace } from './pace.ts';
import type { WatchJob, WatchReport } from './watch-job.ts';

/** One message as far as it is measured: which version it shows of, what instant it is of, and when it came. */
type Seen = { readonly version: bigint; readonly asOfMs: number; readonly arrivedMs: number };
type Written = { readonly customer: number; readonly version: bigint; readonly recordedMs: number };

/** How long the last messages may take before what was not seen counts as unseen. */
const PATIENCE_MS = 5_000;
const OPENING_MS = 60_000;
/** Calls to open watches that are under way at a time. */
const OPENING = 200;

let watching: { readonly client: Client; readonly seen: readonly Seen[][] } | undefined;

/**
 * Opens the watches and says so; told `watches: 0`, it works with those of the job before. Then writes and waits, and
 * compares instants of one clock: this machine's, which the database's time is read from as well.
 */
export async function runWatchJob(job: WatchJob): Promise<WatchReport> {
  if (job.watches > 0) watching = await open(job);
  const { client, seen } = watching!;
  const promises = job.timedChanges === 0 ? [] : await promise(client, seen.length, job);
  const written = await write(client, seen.length, job);
  const isComplete = () =>
    unseen(seen, written).length === 0 &&
    promises.every(({ customer, recordedMs }) => (seen[customer]!.at(-1)?.asOfMs ?? 0) >= recordedMs);
  await waitUntil(() => (isComplete() ? true : undefined), { timeoutMs: PATIENCE_MS });

  const [afterWrites, afterInstants] = [createSamples(), createSamples()];
  for (const { customer, version, recordedMs } of written) {
    const message = seen[customer]!.find((one) => one.version >= version);
    if (message !== undefined) afterWrites.add(message.arrivedMs - recordedMs);
  }
  for (const { customer, recordedMs: effectiveMs } of promises) {
    const message = seen[customer]!.find((one) => one.asOfMs >= effectiveMs);
    if (message !== undefined) afterInstants.add(message.arrivedMs - effectiveMs);
  }
  return {
    opened: seen.filter((messages) => messages.length > 0).length,
    committed: written.length,
    afterWrites: afterWrites.values(),
    unseenWrites: unseen(seen, written).length,
    afterInstants: afterInstants.values(),
    unseenInstants: promises.length - afterInstants.values().length,
  };
}

const unseen = (seen: readonly Seen[][], written: readonly Written[]): readonly Written[] =>
  written.filter(({ customer, version }) => !((seen[customer]!.at(-1)?.version ?? 0n) >= version));

async function open({ server, connections, watches }: WatchJob): Promise<NonNullable<typeof watching>> {
  const client = createClient([server], connections);
  const seen: Seen[][] = [];
  let failure: Error | undefined;
  for (let from = 0; from < watches; from += OPENING) {
    for (let customer = from; customer < Math.min(watches, from + OPENING); customer += 1) {
      const messages: Seen[] = [];
      seen.push(messages);
      client.follow(
        CreditService.method.watchBalance,
        { customerId: customerId(customer) },
        (message: WatchBalanceResponse) => {
          const { version, asOf } = message;
          messages.push({ version, asOfMs: millisecondsOf(asOf), arrivedMs: Date.now() });
        },
        (error) => (failure ??= error),
      );
    }
    const opened = await waitUntil(
      () => failure ?? (seen.every((messages) => messages.length > 0) ? true : undefined),
      { timeoutMs: OPENING_MS },
    );
    if (opened !== true) throw failure ?? new Error(`watches did not open within ${OPENING_MS} ms`);
  }
  return { client, seen };
}

/** Grants for the last customers, one for each, that take effect at instants spread over the job. */
async function promise(client: Client, customers: number, job: WatchJob): Promise<readonly Written[]> {
  const startMs = Date.now() + 3_000;
  const everyMs = (job.seconds * 1000) / job.timedChanges;
  return Promise.all(
    Array.from({ length: job.timedChanges }, async (_, i) => {
      const customer = customers - 1 - i;
      const effectiveMs = Math.round(startMs + i * everyMs);
      const { version } = await client.call(CreditService.method.createGrant, {
        customerId: customerId(customer),
        name: 'Timed',
        currency: SPEND.currency,
        amount: '1',
        idempotencyKey: randomUUID(),
        effectiveAt: timestampOf(effectiveMs),
      });
      return { customer, version, recordedMs: effectiveMs };
    }),
  );
}

/** Spends at the job's pace, for customers that no timed change concerns. */
async function write(client: Client, customers: number, job: WatchJob): Promise<readonly Written[]> {
  const written: Written[] = [];
  const perform = async () => {
    const customer = Math.floor(Math.random() * (customers - job.timedChanges));
    const spend = { ...SPEND, customerId: customerId(customer), idempotencyKey: randomUUID() };
    try {
      const { version, recordedAt } = await client.call(CreditService.method.consumeCredits, spend);
      written.push({ customer, version, recordedMs: millisecondsOf(recordedAt) });
    } catch (error) {
      // A write that failed is one less that was committed; the report says how many were.
      if (codeOf(error) === 'UNIMPLEMENTED') throw error;
    }
    return { done: 1, refused: [] };
  };
  await keepPace(
    { kind: 'open', perSecond: job.writesPerSecond },
    { next: () => ({ series: 'write', perform }), close: () => Promise.resolve() },
    performance.now() + job.seconds * 1000,
    () => undefined,
    () => undefined,
  );
  return written;
}

const millisecondsOf = (timestamp: Timestamp | undefined): number =>
  timestamp === undefined ? Number.NaN : timestampDate(timestamp).getTime();

const timestampOf = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });
