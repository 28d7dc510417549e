import { parseArgs } from 'node:util';
import { createBench } from './support/bench.ts';
import { collectionsOf, TELLS_COLLECTIONS } from './support/heap.ts';
import { NAMED_CALLS, nameOr } from './support/named-calls.ts';
import { createPostgres } from './support/postgres.ts';
import { spread } from './support/samples.ts';
import { cpuSeconds, residentMiB } from './support/usage.ts';

/**
 * `node bench/pauses.ts spend|balance [--per-second 1000] [flags …]`: latencies in an open loop, and the collections of
 * garbage behind their tails. Each further word is a set of Node's flags to try, one after the other, as
 * `'--max-semi-space-size=64 --single-threaded-gc'`; an empty one is the service as it ships.
 */

const WARM_UP_SECONDS = 30;
const SECONDS = 25;

const separator = process.argv.findIndex(
  (word, i) => i > 2 && word !== '--per-second' && !/^\d+$/.test(word),
);
const flags = separator < 0 ? [''] : process.argv.slice(separator);
const { values, positionals } = parseArgs({
  args: process.argv.slice(2, separator < 0 ? undefined : separator),
  allowPositionals: true,
  options: { 'per-second': { type: 'string', default: '1000' } },
});
const name = nameOr(positionals[0] ?? 'spend');
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: false, say: console.log });
const load = bench.load();
try {
  for (const set of flags) await tryOut(set);
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);

async function tryOut(set: string): Promise<void> {
  const nodeArgs = [TELLS_COLLECTIONS, ...set.split(' ').filter((flag) => flag !== '')];
  const { url, pid, logFile, end } = await bench.service(await bench.database('customers'), { nodeArgs });
  const run = (seconds: number) =>
    load.run({
      calls: NAMED_CALLS[name](url),
      connections: 8,
      deadlineMs: 30_000,
      pace: { kind: 'open', perSecond: Number(values['per-second']) },
      warmUpSeconds: 0,
      seconds,
    });
  await run(WARM_UP_SECONDS);
  const [began, used] = [collectionsOf(logFile).length, cpuSeconds(pid)];
  const { latencies, doneInAll } = await run(SECONDS);
  const samples = Object.values(latencies)[0] ?? new Float64Array();
  const cpu = ((cpuSeconds(pid) - used) / doneInAll) * 1_000_000;
  const collections = collectionsOf(logFile).slice(began);
  const told = [true, false].map((full) => {
    const pauses = collections.filter((one) => one.full === full).map(({ pauseMs }) => pauseMs);
    const all = pauses.reduce((sum, pause) => sum + pause, 0);
    return `${pauses.length} ${full ? 'full' : 'young'}, ${all.toFixed(0)} ms in all, ${Math.max(0, ...pauses).toFixed(0)} ms at most`;
  });
  console.log(
    `${set === '' ? 'as it ships' : set}\n  ${spread(samples)}\n` +
      `  collections: ${told.join('; ')}\n  CPU of the service ${cpu.toFixed(0)} µs a call, ${residentMiB(pid).toFixed(0)} MiB resident`,
  );
  await end();
}
