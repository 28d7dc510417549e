import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { connect } from '../src/db/database.ts';
import { startEmbeddedPostgres } from '../src/embedded/start.ts';
import { LATEST } from '../src/instant.ts';
import { allowedToForget, forgetKeys } from '../src/write/forget-keys.ts';
import { migrateFor } from '../test/support/databases.ts';
import { testService } from '../test/support/service.ts';
import { openSql } from '../test/support/sql.ts';

/**
 * `node bench/forget-keys.ts [keys]`: what forgetting the keys of so many spends takes, what it leaves on disk, and how long
 * spends of the same customers take meanwhile. Ratios of one run mean something, absolutes do not.
 */

const BATCH = 500;
const CUSTOMERS = 100;
const keys = Number(process.argv[2] ?? 100_000);

mkdirSync('.data', { recursive: true });
const dataDir = mkdtempSync('.data/bench-');
const postgres = await startEmbeddedPostgres({ dataDir });
await migrateFor(postgres);
const service = await testService(postgres.url);
const client = createClient(CreditService, createGrpcTransport({ baseUrl: service.url }));
const sql = await openSql(postgres.ownerUrl);
const owner = connect({ url: postgres.ownerUrl, poolSize: 2 });

const spend = (i: number, key: string) => ({
  customerId: `customer ${i % CUSTOMERS}`,
  name: 'a spend of some words',
  currency: 'USD',
  amount: '1',
  settlementMode: SettlementMode.CREDIT_ONLY,
  idempotencyKey: `${key}-0123456789abcdef-${i}`,
});

/** Spends one after the other until the work is done, or some hundreds: how many milliseconds half and most of them took. */
async function latencies(key: string, until: () => boolean): Promise<readonly number[]> {
  const took: number[] = [];
  for (let i = 0; !until() || took.length < 300; i += 1) {
    const began = performance.now();
    await client.consumeCredits(spend(i, key));
    took.push(performance.now() - began);
  }
  const sorted = took.toSorted((a, b) => a - b);
  return [0.5, 0.99].map((part) => sorted[Math.floor(part * sorted.length)]!);
}

async function size(when: string): Promise<void> {
  const [row] = await sql.rows<{ rows: number; indexes: number }>(
    `select pg_table_size('writes') as rows, pg_indexes_size('writes') as indexes`,
  );
  const each = (bytes: number) => `${Math.round(bytes / keys)} bytes`;
  console.log(`${when}: ${each(row!.rows)} of rows and ${each(row!.indexes)} of indexes a key`);
}

try {
  for (let i = 0; i < keys; i += BATCH) {
    const requests = Array.from({ length: BATCH }, (_, n) => spend(i + n, 'old'));
    await client.batchConsumeCredits({ requests });
  }
  await sql.rows('vacuum analyze writes');
  await size('before');
  const alone = await latencies('alone', () => true);
  let isDone = false;
  const beside = latencies('beside', () => isDone);
  const began = performance.now();
  const forgotten = await allowedToForget(owner, () =>
    forgetKeys({ database: owner, olderThan: LATEST, batch: 1_000 }),
  );
  const seconds = (performance.now() - began) / 1_000;
  isDone = true;
  console.log(`${forgotten} keys forgotten in ${seconds.toFixed(1)} s: ${Math.round(forgotten / seconds)}/s`);
  const told = (of: readonly number[]) => of.map((ms) => `${ms.toFixed(1)} ms`).join(' and ');
  console.log(`a spend took ${told(alone)} (p50 and p99) alone, ${told(await beside)} meanwhile`);
  await size('forgotten');
  await sql.rows('vacuum writes');
  await size('vacuumed');
  await sql.rows('vacuum full writes');
  await size('written anew');
} finally {
  await Promise.all([sql.end(), owner.close()]);
  await service.stop();
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
}
