/**
 * How long verifying one large book takes, in how much memory, and how long nobody hears of it:
 *
 *   node bench/verify.ts [entries]        default 1,000,000
 *
 * Writes the book through the service first, on an embedded Postgres of its own under .data/bench-verify, which is kept:
 * the next run goes on from there. Writing and verifying are processes of their own, so that the memory told is that of
 * the verification.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { startEmbeddedPostgres } from '../src/embedded/start.ts';
import { migrate } from '../src/db/migrate.ts';
import { createLog } from '../src/log.ts';
import { startService } from '../src/service.ts';

const BATCH = 1_000;
const GRANTS = 10;
const customerId = 'the one';
const [wanted = '1000000', step = 'all', databaseUrl = ''] = process.argv.slice(2);

if (step === 'fill') await withService(fill);
else if (step === 'verify') await withService(verify);
else {
  const postgres = await startEmbeddedPostgres({ dataDir: '.data/bench-verify', settings: { fsync: 'off' } });
  await migrate({ url: postgres.ownerUrl });
  for (const phase of ['fill', 'verify']) {
    await once(fork(import.meta.filename, [wanted, phase, postgres.ownerUrl]), 'exit');
  }
  await postgres.stop();
}

async function withService(work: (baseUrl: string) => Promise<void>): Promise<void> {
  const service = await startService({
    databaseUrl,
    host: '127.0.0.1',
    port: 0,
    credentials: null,
    poolSize: 4,
    lanes: 1,
    batchSize: BATCH,
    queueLimit: 8 * BATCH,
    keptFacts: 1_000,
    log: createLog('silent'),
    dueBooker: false,
    dueBookerIntervalMs: 10_000,
    maxOpenGrants: 10_000,
    maxOpenCharges: 10_000,
    clockLeewayMs: 0,
    doorbell: false,
    maxWatches: 1,
    watchPollMs: 1_000,
    heartbeatMs: 15_000,
  });
  await work(service.url);
  await service.stop();
}

/** A consumption is two entries, a grant four; each grant is used up by the consumptions after it. */
async function fill(baseUrl: string): Promise<void> {
  const client = createClient(CreditService, createGrpcTransport({ baseUrl }));
  const { version } = await client.getBalance({ customerId });
  const rounds = Math.ceil(Number(wanted) / (2 * BATCH + 4 * GRANTS));
  const began = performance.now();
  for (let round = Math.floor(Number(version) / (BATCH + GRANTS)); round < rounds; round += 1) {
    const grant = { customerId, name: 'grant', currency: 'USD', amount: String(BATCH / GRANTS) };
    await client.batchCreateGrants({ requests: Array.from({ length: GRANTS }, () => grant) });
    const settlementMode = SettlementMode.CREDIT_ONLY;
    const spend = { customerId, name: 'spend', currency: 'USD', amount: '1', settlementMode };
    await client.batchConsumeCredits({ requests: Array.from({ length: BATCH }, () => spend) });
    if (round % 20 === 0) console.log(`round ${round} of ${rounds}, ${seconds(performance.now() - began)}`);
  }
}

async function verify(baseUrl: string): Promise<void> {
  const client = createClient(LedgerService, createGrpcTransport({ baseUrl }));
  const before = process.memoryUsage().rss;
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  const began = performance.now();
  let [last, longest, messages] = [began, 0, 0];
  for await (const { event } of client.verify({ customerId })) {
    const now = performance.now();
    [longest, last, messages] = [Math.max(longest, now - last), now, messages + 1];
    if (event.case === 'finding') console.log(event.value.message);
    if (event.case !== 'summary') continue;
    const took = now - began;
    const { transactions, entries: read, findings } = event.value;
    console.log(
      `${read} entries of ${transactions} transactions verified in ${seconds(took)}: ${Math.round((Number(read) / took) * 1_000)}/s, ${findings} findings`,
    );
  }
  clearInterval(sampling);
  console.log(
    `${messages} messages, the longest silence ${seconds(longest)}; memory ${mebibytes(before)} before, ${mebibytes(peak)} at most`,
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}
