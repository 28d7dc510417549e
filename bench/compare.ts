import { realpathSync } from 'node:fs';
import { createBench, type Bench } from './support/bench.ts';
import { NAMED_CALLS, type CallsName } from './support/named-calls.ts';
import { heapUsed, TELLS_COLLECTIONS } from './support/heap.ts';
import { createPostgres } from './support/postgres.ts';
import type { ServerProcess } from './support/process.ts';
import { agreement, interleave, ratioOf, typical } from './support/rounds.ts';
import { cpuSeconds, treeCpuSeconds } from './support/usage.ts';

/**
 * `node bench/compare.ts <another checkout>`: what a call costs this checkout and another in CPU and heap, side by side
 * in one run, each over a database of its own release, as a table. For whoever changes the write path and wants to know
 * what it was worth; the other checkout needs its packages.
 */

const ROUNDS = 5;
const SECONDS = 5;
/** Until most of both is compiled and both keep the books that are asked for. */
const WARM_UP_SECONDS = 12;

const MICROS = 1_000_000;
/** Of what is done: a call, or one of the spends of a batch. */
const PARTS = [
  { name: 'CPU of service', unit: 'µs', of: ({ service }: Used) => service * MICROS },
  { name: 'CPU of Postgres', unit: 'µs', of: ({ postgres }: Used) => postgres * MICROS },
  { name: 'CPU of both', unit: 'µs', of: ({ service, postgres }: Used) => (service + postgres) * MICROS },
  { name: 'heap taken', unit: 'kB', of: ({ allocated }: Used) => allocated / 1_000 },
  { name: 'heap kept for long', unit: 'kB', of: ({ promoted }: Used) => promoted / 1_000 },
] as const;

const loads = [
  { what: 'spends, one at a time', kind: 'spend', inFlight: 1 },
  { what: 'spends, 256 in flight', kind: 'spend', inFlight: 256 },
  { what: 'spends, 8 calls of 250 in flight', kind: 'batch', inFlight: 8 },
  { what: 'balances, 64 in flight', kind: 'balance', inFlight: 64 },
] as const;

const other = process.argv[2];
if (other === undefined) {
  console.error('which other checkout?');
  process.exit(2);
}
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: false, say: console.log });
const load = bench.load();
try {
  const start = async (checkout: string) =>
    bench.service(await bench.database('customers', checkout), { checkout, nodeArgs: [TELLS_COLLECTIONS] });
  const sides = { before: await start(realpathSync(other)), now: await start(realpathSync('.')) };
  for (const server of Object.values(sides))
    for (const { kind } of loads) await costOn(bench, server, { kind, inFlight: 64 }, WARM_UP_SECONDS);
  console.log(
    '| A call, or a spend of a batch | Before | Now | Ratio | Rounds |\n| --- | --- | --- | --- | --- |',
  );
  for (const one of loads) {
    const costs: Record<string, Used[]> = { before: [], now: [] };
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
    for (const part of PARTS) console.log(rowOf(one.what, part, costs));
  }
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);

/** Seconds of CPU and bytes of heap. */
type Used = Record<'service' | 'postgres' | 'allocated' | 'promoted', number>;

async function costOn(
  { postgresPid }: Bench,
  { url, pid, logFile }: ServerProcess,
  { kind, inFlight }: { readonly kind: CallsName; readonly inFlight: number },
  seconds: number,
): Promise<Used> {
  const used = (): Used => ({
    service: cpuSeconds(pid),
    postgres: treeCpuSeconds(postgresPid),
    ...heapUsed(logFile),
  });
  const before = used();
  const { doneInAll } = await load.run({
    calls: NAMED_CALLS[kind](url),
    connections: Math.min(8, inFlight),
    deadlineMs: 30_000,
    pace: { kind: 'closed', inFlight },
    warmUpSeconds: 0,
    seconds,
  });
  const after = used();
  const each = (what: keyof Used) => (after[what] - before[what]) / doneInAll;
  return {
    service: each('service'),
    postgres: each('postgres'),
    allocated: each('allocated'),
    promoted: each('promoted'),
  };
}

function rowOf(
  what: string,
  { name, unit, of }: (typeof PARTS)[number],
  costs: Readonly<Record<string, readonly Used[]>>,
): string {
  const rounds = Object.fromEntries(Object.entries(costs).map(([side, all]) => [side, all.map(of)]));
  const [before, now] = [typical(rounds, 'before'), typical(rounds, 'now')].map((each) =>
    each.toFixed(each < 10 ? 1 : 0),
  );
  const ratio = ratioOf(rounds, 'now', 'before').toFixed(2);
  return `| ${what}: ${name} | ${before} ${unit} | ${now} ${unit} | ${ratio} × | ${agreement(rounds, 'now', 'before')} |`;
}
