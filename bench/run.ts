import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { figures } from './figures/all.ts';
import { createBench, type BenchOptions } from './support/bench.ts';
import type { Figure } from './support/figure.ts';
import { machine } from './support/machine.ts';
import { createPostgres } from './support/postgres.ts';
import { publish } from './support/publish.ts';
import type { Taken } from './support/table.ts';

/**
 * Takes the figures: all of them, or those named. `--quick` tries them out. Ends with the table, and with 1 if a figure
 * could not be taken; a goal that is missed is a result, not a failure.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !figures.some((figure) => figure.name === name));
if (unknown.length > 0) {
  console.error(
    `No figure is called ${unknown.join(' or ')}. There are: ${figures.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
const asked = positionals.length === 0 ? figures : figures.filter(({ name }) => positionals.includes(name));

const postgres = await createPostgres();
/** What undoes the figure that is being taken. */
let underWay: (() => Promise<void>) | undefined;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void (async () => {
      await underWay?.().catch(console.error);
      await postgres.stop();
      process.exit(130);
    })();
  });
}

const taken: Taken[] = [];
try {
  for (const figure of asked) {
    const result = await take(figure, {
      ...postgres,
      quick: values.quick,
      say: (line) => console.log(`  ${line}`),
    });
    taken.push(result);
    // After each, so that a run that is cut short has not been for nothing.
    publish([result], { quick: values.quick });
  }
} finally {
  await postgres.stop();
}
process.exit(taken.some(({ failure }) => failure !== null) ? 1 : 0);

async function take(figure: Figure, options: BenchOptions): Promise<Taken> {
  const { name, goal } = figure;
  console.log(`${name}: ${goal}`);
  const began = performance.now();
  const bench = createBench(options);
  underWay = () => bench.end();
  const load = loadavg()[0]!;
  const done = { figure: name, goal, takenAt: new Date().toISOString().slice(0, 16), machine: machine(load) };
  try {
    const rows = await within(figure.limit, figure.run(bench));
    return { ...done, rows, failure: null };
  } catch (error) {
    if (stopping) return await new Promise(() => undefined);
    console.error(error);
    return { ...done, rows: [], failure: `failed: ${String(error)}` };
  } finally {
    await bench.end();
    console.log(`  took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
