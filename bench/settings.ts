import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readPassword } from '../src/embedded/cluster.ts';
import { findPostmaster } from '../src/embedded/postmaster.ts';
import { connectAsSuperuser } from '../src/embedded/provision.ts';
import { shutdown } from '../src/embedded/server.ts';
import { startEmbeddedPostgres } from '../src/embedded/start.ts';
import { createBench } from './support/bench.ts';
import { CUSTOMERS } from './support/customers.ts';
import { interleave, ratioOf, typical } from './support/rounds.ts';
import { treeCpuSeconds } from './support/usage.ts';

/**
 * `node bench/settings.ts`: what each setting of the Postgres that comes along is worth to unary spends: a server for
 * each variant, side by side in one run. Odd rounds begin with a checkpoint, so that what it costs is seen.
 */

const ROUNDS = 6;
const SECONDS = 6;
const WARM_UP_SECONDS = 6;
const SHIPPED = 'as it ships';

/** Settings beside those it ships with. */
const VARIANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [SHIPPED]: {},
  'as Postgres comes': {
    shared_buffers: '128MB',
    effective_cache_size: '4GB',
    checkpoint_timeout: '5min',
    max_wal_size: '1GB',
    wal_buffers: '-1',
    jit: 'on',
  },
  'shared_buffers=128MB': { shared_buffers: '128MB' },
  'wal_buffers=4MB': { wal_buffers: '4MB' },
  'wal_compression=pglz': { wal_compression: 'pglz' },
  'synchronous_commit=off, never shipped': { synchronous_commit: 'off' },
};

const DIRECTORY = '.data/bench/settings';
rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const undo = new AsyncDisposableStack();
const PARTS = ['cpu', 'log', 'logAfter'] as const;
/** What was used in each round, by part, variant and round. */
const used: Record<(typeof PARTS)[number], Record<string, number[]>> = { cpu: {}, log: {}, logAfter: {} };
try {
  const sides = [];
  for (const [name, settings] of Object.entries(VARIANTS)) sides.push(await sideOf(name, settings));
  const speed = await interleave(sides, ROUNDS);
  for (const name of Object.keys(VARIANTS)) {
    const against = (rounds: Readonly<Record<string, readonly number[]>>) =>
      ratioOf(rounds, name, SHIPPED).toFixed(2);
    console.log(
      `${name}: ${typical(speed, name).toFixed(0)} spends/s (${against(speed)} ×), ` +
        `CPU of Postgres ${typical(used.cpu, name).toFixed(0)} µs (${against(used.cpu)} ×), ` +
        `log ${typical(used.log, name).toFixed(0)} bytes (${against(used.log)} ×), ` +
        `after a checkpoint ${typical(used.logAfter, name).toFixed(0)} bytes (${against(used.logAfter)} ×)`,
    );
  }
} finally {
  await undo.disposeAsync();
  rmSync(DIRECTORY, { recursive: true, force: true });
}
process.exit(0);

async function sideOf(name: string, settings: Readonly<Record<string, string>>) {
  const number = Object.keys(VARIANTS).indexOf(name);
  const dataDir = join(realpathSync(DIRECTORY), String(number));
  const { url, ownerUrl } = await startEmbeddedPostgres({ dataDir, settings });
  const pgdata = join(dataDir, 'postgres');
  undo.defer(() => shutdown(pgdata));
  const postmaster = findPostmaster(pgdata)!;
  const superuser = await connectAsSuperuser(postmaster, readPassword(pgdata));
  undo.defer(() => superuser.end());
  const bench = createBench({
    quick: false,
    directory: dataDir,
    postgresUrl: ownerUrl,
    serviceUrl: url,
    postgresPid: postmaster.pid,
    say: console.log,
  });
  undo.defer(() => bench.end());
  const service = await bench.service(await bench.database('customers'));
  const load = bench.load();
  const spend = (seconds: number) =>
    load.run({
      calls: { kind: 'spend', servers: [service.url], customers: CUSTOMERS },
      connections: 8,
      deadlineMs: 30_000,
      pace: { kind: 'closed', inFlight: 256 },
      warmUpSeconds: 0,
      seconds,
    });
  await spend(WARM_UP_SECONDS);
  const written = async () =>
    Number((await superuser.query<{ at: string }>(`select pg_current_wal_lsn() - '0/0' as at`)).rows[0]!.at);
  let round = 0;
  return {
    name,
    round: async () => {
      round += 1;
      const fresh = round % 2 === 1;
      if (fresh) await superuser.query('checkpoint');
      const before = { cpu: treeCpuSeconds(postmaster.pid), log: await written() };
      const { done, doneInAll, seconds } = await spend(SECONDS);
      const log = ((await written()) - before.log) / doneInAll;
      const cpu = ((treeCpuSeconds(postmaster.pid) - before.cpu) / doneInAll) * 1_000_000;
      (used.cpu[name] ??= []).push(cpu);
      (used[fresh ? 'logAfter' : 'log'][name] ??= []).push(log);
      return done / seconds;
    },
  };
}
