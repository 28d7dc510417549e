import { resolve } from 'node:path';
import type { Job } from './load/job.ts';
import { createBench, type Bench } from './support/bench.ts';
import { CUSTOMERS, PREFIX } from './support/customers.ts';
import { createPostgres } from './support/postgres.ts';
import type { ServerProcess } from './support/process.ts';
import { agreement, interleave, ratioOf, typical } from './support/rounds.ts';
import { cpuSeconds, treeCpuSeconds } from './support/usage.ts';

/**
 * `node bench/compare.ts <another checkout>`: what a call costs this checkout and another in CPU, side by side in one
 * run. For whoever changes the write path and wants to know what it was worth; the other checkout needs its packages.
 */

const ROUNDS = 5;
const SECONDS = 3;
/** Until most of both is compiled and both keep the books that are asked for. */
const WARM_UP_SECONDS = 12;

const loads = [
  { what: 'spends, one at a time', kind: 'spend', inFlight: 1 },
  { what: 'spends, 256 in flight', kind: 'spend', inFlight: 256 },
  { what: 'spends, 8 calls of 250 in flight', kind: 'spendBatch', inFlight: 8 },
  { what: 'balances, 64 in flight', kind: 'balance', inFlight: 64 },
] as const;
type Load = (typeof loads)[number];

const callsOf = (kind: Load['kind'], server: string): Job['calls'] => {
  const everybody = { prefix: PREFIX, count: CUSTOMERS, between: null, about: 'balance', parts: [] } as const;
  const servers = [server];
  if (kind === 'spend') return { kind, servers, customers: CUSTOMERS };
  if (kind === 'spendBatch') return { kind, servers, customers: CUSTOMERS, size: 250 };
  return { kind, servers, asked: [{ series: 'balance', ...everybody }] };
};

const other = process.argv[2];
if (other === undefined) {
  console.error('which other checkout?');
  process.exit(2);
}
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: false, say: console.log });
const load = bench.load();
try {
  const start = async (checkout: string) => {
    const env = { DATABASE_URL: await bench.database('customers'), CREDIT_LEDGER_PORT: '0' };
    return bench.server(resolve(checkout, 'src/main.ts'), env);
  };
  const sides = { before: await start(other), now: await start('.') };
  for (const server of Object.values(sides))
    for (const { kind } of loads) await costOn(bench, server, { kind, inFlight: 64 }, WARM_UP_SECONDS);
  for (const one of loads) {
    const costs: Record<string, Cost[]> = { before: [], now: [] };
    await interleave(
      Object.entries(sides).map(([name, server]) => ({
        name,
        round: async () => {
          costs[name]!.push(await costOn(bench, server, one, SECONDS));
          return 0;
        },
      })),
      ROUNDS,
    );
    for (const whose of ['service', 'postgres'] as const) console.log(lineOf(one.what, whose, costs));
  }
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);

/** Microseconds of CPU a thing asked for took. */
type Cost = { readonly service: number; readonly postgres: number };

async function costOn(
  { postgresPid }: Bench,
  { url, pid }: ServerProcess,
  { kind, inFlight }: { readonly kind: Load['kind']; readonly inFlight: number },
  seconds: number,
): Promise<Cost> {
  const used = () => ({ service: cpuSeconds(pid), postgres: treeCpuSeconds(postgresPid) });
  const before = used();
  const { doneInAll } = await load.run({
    calls: callsOf(kind, url),
    connections: Math.min(8, inFlight),
    deadlineMs: 30_000,
    pace: { kind: 'closed', inFlight },
    warmUpSeconds: 0,
    seconds,
  });
  const after = used();
  const each = (whose: keyof Cost) => ((after[whose] - before[whose]) / doneInAll) * 1_000_000;
  return { service: each('service'), postgres: each('postgres') };
}

function lineOf(what: string, whose: keyof Cost, costs: Readonly<Record<string, readonly Cost[]>>): string {
  const rounds = Object.fromEntries(
    Object.entries(costs).map(([name, all]) => [name, all.map((cost) => cost[whose])]),
  );
  const [before, now] = [typical(rounds, 'before'), typical(rounds, 'now')].map((micros) =>
    micros.toFixed(0),
  );
  const ratio = ratioOf(rounds, 'now', 'before').toFixed(2);
  return `${what}, CPU of ${whose}: ${before} → ${now} µs, ${ratio} × (${agreement(rounds, 'now', 'before')})`;
}
