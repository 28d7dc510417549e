import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Calls, Pace } from './load/job.ts';
import { createBench } from './support/bench.ts';
import { CUSTOMERS, PREFIX } from './support/customers.ts';
import { createPostgres } from './support/postgres.ts';

/**
 * `node bench/profile.ts spend|batch|balance`: where the service spends its CPU under one kind of load, as the functions
 * with the most time of their own. The profile stays in .data/bench, for a browser's developer tools.
 */

const SECONDS = 10;
const SHOWN = 25;

const loads: Readonly<Record<string, (server: string) => { readonly calls: Calls; readonly pace: Pace }>> = {
  spend: (server) => ({
    calls: { kind: 'spend', servers: [server], customers: CUSTOMERS },
    pace: { kind: 'closed', inFlight: 256 },
  }),
  batch: (server) => ({
    calls: { kind: 'spendBatch', servers: [server], customers: CUSTOMERS, size: 250 },
    pace: { kind: 'closed', inFlight: 16 },
  }),
  balance: (server) => ({
    calls: {
      kind: 'balance',
      servers: [server],
      asked: [
        { series: 'balance', prefix: PREFIX, count: CUSTOMERS, between: null, about: 'balance', parts: [] },
      ],
    },
    pace: { kind: 'closed', inFlight: 64 },
  }),
};

type Profile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const name = process.argv[2] ?? 'spend';
const loadOf = loads[name];
if (loadOf === undefined) {
  console.error(`There are: ${Object.keys(loads).join(', ')}`);
  process.exit(2);
}
const folder = join('.data/bench', `profile-${name}-${Date.now()}`);
mkdirSync(folder, { recursive: true });
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: true, say: console.log });
try {
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const server = await bench.service(await bench.database('customers'), { nodeArgs });
  const report = await bench.load().run({
    ...loadOf(server.url),
    connections: 8,
    deadlineMs: 60_000,
    warmUpSeconds: 1,
    seconds: SECONDS,
  });
  console.log(
    `${name}: ${Math.round(report.done / report.seconds)}/s, refused ${JSON.stringify(report.refused)}`,
  );
  await server.end();
  print(JSON.parse(readFileSync(globSync(`${folder}/*.cpuprofile`)[0]!, 'utf8')) as Profile);
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);

function print({ nodes, samples, timeDeltas }: Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const self = new Map<string, number>();
  const packages = new Map<string, number>();
  let busy = 0;
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id)!;
    if (frame.functionName === '(idle)') continue;
    const micros = timeDeltas[i] ?? 0;
    busy += micros;
    const place = placeOf(frame.url);
    const label = `${frame.functionName || '(anonymous)'}  ${place === '' ? '' : `${place}:${frame.lineNumber + 1}`}`;
    self.set(label, (self.get(label) ?? 0) + micros);
    packages.set(groupOf(place), (packages.get(groupOf(place)) ?? 0) + micros);
  }
  const list = (title: string, times: ReadonlyMap<string, number>, most: number) => {
    console.log(`\n${title}`);
    for (const [label, micros] of [...times].toSorted((a, b) => b[1] - a[1]).slice(0, most))
      console.log(`${((micros / busy) * 100).toFixed(1).padStart(5)} %  ${label}`);
  };
  list('Self time by function', self, SHOWN);
  list('Self time by place', packages, SHOWN);
}

function placeOf(url: string): string {
  return url.startsWith('file://') ? relative(process.cwd(), url.slice('file://'.length)) : url;
}

/** The package, or the folder of our own source; what has no place is the engine's own. */
function groupOf(place: string): string {
  const found = /^(?:.*node_modules\/((?:@[^/]+\/)?[^/]+)|(src\/[^/]+)|(gen)\/|(node:[^/]+))/.exec(place);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? found?.[4] ?? (place === '' ? '(engine)' : place);
}
