import { existsSync, globSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { waitUntil } from '../src/db/clock.ts';
import { createBench } from './support/bench.ts';
import { printByFunction, type CallFrame, type Weighed } from './support/by-function.ts';
import { NAMED_CALLS, nameOr, type CallsName } from './support/named-calls.ts';
import { createPostgres } from './support/postgres.ts';

/**
 * `node bench/profile.ts spend|batch|balance [--heap] [--checkout <another>]`: where the service spends its CPU under one
 * kind of load, or takes its heap, objects included that are collected soon; as the functions with the most of their own.
 * The profile stays in .data/bench, for a browser's developer tools.
 */

const SECONDS = 10;
/** Before the heap is looked at: until most is compiled. */
const WARM_UP_SECONDS = 10;
const WRITTEN_WITHIN_MS = 30_000;

const IN_FLIGHT: Readonly<Record<CallsName, number>> = { spend: 256, batch: 16, balance: 64 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { heap: { type: 'boolean', default: false }, checkout: { type: 'string', default: '.' } },
});
const name = nameOr(positionals[0] ?? 'spend');
const checkout = realpathSync(values.checkout);
mkdirSync('.data/bench', { recursive: true });
const folder = join(realpathSync('.data/bench'), `profile-${name}-${Date.now()}`);
mkdirSync(folder);
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: true, say: console.log });
const load = bench.load();
try {
  const databaseUrl = await bench.database('customers', checkout);
  await (values.heap ? profileHeap(databaseUrl) : profileCpu(databaseUrl));
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);

async function run(server: string, seconds: number): Promise<number> {
  const report = await load.run({
    calls: NAMED_CALLS[name](server),
    pace: { kind: 'closed', inFlight: IN_FLIGHT[name] },
    connections: 8,
    deadlineMs: 60_000,
    warmUpSeconds: 0,
    seconds,
  });
  const perSecond = Math.round(report.done / report.seconds);
  console.log(`${name}: ${perSecond}/s, refused ${JSON.stringify(report.refused)}`);
  return report.doneInAll;
}

type CpuProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

async function profileCpu(databaseUrl: string): Promise<void> {
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const server = await bench.service(databaseUrl, { checkout, nodeArgs });
  const done = await run(server.url, SECONDS);
  await server.end();
  const file = globSync(`${folder}/*.cpuprofile`)[0]!;
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const weighed = samples.map((id, i) => ({ frame: frames.get(id)!, weight: timeDeltas[i] ?? 0 }));
  const busy = weighed.filter(({ frame }) => frame.functionName !== '(idle)');
  printByFunction(checkout, 'Self time', busy, (micros) => `${(micros / done).toFixed(1)} µs`);
}

type HeapNode = {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
};

async function profileHeap(databaseUrl: string): Promise<void> {
  const file = join(folder, 'taken.heapprofile');
  const sampler = pathToFileURL(join(import.meta.dirname, 'support/sample-heap.ts')).href;
  const { url, pid } = await bench.service(databaseUrl, {
    checkout,
    nodeArgs: ['--import', sampler],
    env: { BENCH_HEAP_SAMPLES: file },
  });
  await run(url, WARM_UP_SECONDS);
  process.kill(pid, 'SIGUSR2');
  const done = await run(url, SECONDS);
  process.kill(pid, 'SIGUSR2');
  const written = await waitUntil(() => existsSync(file) || undefined, { timeoutMs: WRITTEN_WITHIN_MS });
  if (written === undefined) throw new Error('the service does not write its samples');
  const { head } = JSON.parse(readFileSync(file, 'utf8')) as { readonly head: HeapNode };
  const weighed = [...weighedBy(head, head.callFrame)];
  printByFunction(checkout, 'Heap taken', weighed, (bytes) => `${Math.round(bytes / done)} bytes`);
}

/** What the engine's own functions take (`map`, `Map`, …) is their caller's. */
function* weighedBy(node: HeapNode, caller: CallFrame): Generator<Weighed> {
  const frame = node.callFrame.url === '' ? caller : node.callFrame;
  yield { frame, weight: node.selfSize };
  for (const child of node.children) yield* weighedBy(child, frame);
}
