import { realpathSync } from 'node:fs';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { createBench } from './support/bench.ts';
import { customerId, CUSTOMERS } from './support/customers.ts';
import { createPostgres } from './support/postgres.ts';

/**
 * `node bench/migrate.ts <checkout of the release before> [entries]`: how long the service is away when a database of the
 * release before, 1,000,000 entries unless said, is brought up to this one. The release before fills and verifies it,
 * this one migrates as it starts, and verifies again; balances have to be the same.
 */

const [before, wanted = '1000000'] = process.argv.slice(2);
if (before === undefined) {
  console.error('which checkout is the release before?');
  process.exit(2);
}
/** Seconds of load at a time. */
const STRETCH = 20;
const ASKED = 1_000;
const HOURS = 3_600_000;
const ENTRIES = 'select count(*) as n from entries';

const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: false, say: console.log });
try {
  const databaseUrl = await bench.database('customers', realpathSync(before));
  const old = await bench.service(databaseUrl, { checkout: realpathSync(before) });
  const sql = await bench.sql(databaseUrl);
  const filled = await fill(old.url, async () => Number((await sql.rows<{ n: bigint }>(ENTRIES))[0]!.n));
  await sql.rows('vacuum analyze');
  console.log(`filled: ${filled} entries, ${await sizeOf()}`);
  await verify('before', old.url);
  const known = await balances(old.url);
  await old.end();

  const now = await bench.service(databaseUrl, { startsWithinMs: HOURS });
  console.log(`migrated, and serving ${(now.startedInMs / 1_000).toFixed(1)} s after its start`);
  const spend = { customerId: customerId(0), name: 'first', currency: 'USD', amount: '0.01' };
  const began = performance.now();
  const client = createClient(CreditService, createGrpcTransport({ baseUrl: now.url }));
  const same = JSON.stringify(known) === JSON.stringify(await balances(now.url));
  console.log(`${ASKED} balances are ${same ? 'the same' : 'OTHERS THAN BEFORE'}`);
  await client.consumeCredits(spend);
  console.log(`first spend done ${((performance.now() - began) / 1_000).toFixed(1)} s later`);
  await verify('after', now.url);
  console.log(`takes ${await sizeOf()}; ${await sizeOf('vacuum full')} once rewritten`);
  if (!same) process.exitCode = 1;

  async function sizeOf(first?: string): Promise<string> {
    if (first !== undefined) await sql.rows(first);
    const [{ size } = { size: '' }] = await sql.rows<{ size: string }>(
      'select pg_size_pretty(pg_database_size(current_database())) as size',
    );
    return size;
  }
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit();

async function fill(url: string, entries: () => Promise<number>): Promise<number> {
  const load = bench.load();
  let there = await entries();
  while (there < Number(wanted)) {
    const calls = { kind: 'spendBatch', servers: [url], customers: CUSTOMERS, size: 250 } as const;
    await load.run({
      calls,
      connections: 8,
      deadlineMs: 60_000,
      pace: { kind: 'closed', inFlight: 16 },
      warmUpSeconds: 0,
      seconds: STRETCH,
    });
    there = await entries();
  }
  return there;
}

async function verify(when: string, baseUrl: string): Promise<void> {
  const began = performance.now();
  const client = createClient(LedgerService, createGrpcTransport({ baseUrl }));
  for await (const { event } of client.verify({})) {
    if (event.case === 'finding') console.log(event.value.message);
    if (event.case !== 'summary') continue;
    const { books, entries, findings } = event.value;
    const took = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`verified ${when}: ${entries} entries of ${books} books, ${findings} findings, ${took} s`);
  }
}

async function balances(baseUrl: string): Promise<unknown> {
  const client = createClient(CreditService, createGrpcTransport({ baseUrl }));
  const customerIds = Array.from({ length: ASKED }, (_, i) => customerId(i * (CUSTOMERS / ASKED)));
  const { results } = await client.batchGetBalances({ customerIds });
  return results.map((result) => JSON.stringify(result, bigints));
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
