import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createVitest, type TestSpecification } from 'vitest/node';
import { dropDatabase, listDatabases } from '../support/databases.ts';
import { changed, described, mutantsOf, sampleOf, type Mutant } from './mutants.ts';

/**
 * What the tests of the modules that speak to the database would let through: a sample of small changes of their code,
 * each run against the tests that are nearest to it, on Postgres (docs/mutation-testing.md).
 *
 *     node test/mutation/sample.ts --of 'src/feed/*.ts' --count 50
 */
const { values: asked } = parseArgs({
  options: {
    of: { type: 'string', default: 'src/{write,query,book,tables,ledger,feed,watch,live,pending}/**/*.ts' },
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    language: { type: 'string', default: 'code' },
    /** Only the mutants that are told with this text in them. */
    only: { type: 'string', default: '' },
    /** Other tests than those that are near, separated by commas. */
    tests: { type: 'string' },
  },
});

/** What tests are near: a module's own, and those of the questions that it answers. */
const NEAR: readonly (readonly [module: string, tests: readonly string[]])[] = [
  ['src/live/signals.ts', ['feed']],
  ['src/watch/', ['watch']],
  ['src/feed/', ['feed']],
  ['src/pending/', ['pending', 'query', 'book/projections', 'verify']],
  ['src/write/', ['write', 'book', 'query', 'verify']],
  ['src/book/', ['book', 'write', 'query', 'verify']],
  ['src/tables/', ['tables', 'book', 'write', 'query', 'verify']],
  ['src/ledger/', ['ledger', 'query', 'book', 'write', 'verify', 'feed/feed']],
  ['src/query/', ['query', 'service']],
];

/** What takes longer has stopped: on a machine with nothing else to do no test takes a twentieth of it. */
const PATIENCE_MS = 120_000;

/** What is put in the place of a source, for as long as a mutant is tried. */
let mutated: { readonly path: string; readonly text: string } | null = null;
/** How often a test file has noticed a mutant: those that notice most go first. */
const noticed = new Map<string, number>();
class MostNoticingFirst {
  shard = (files: TestSpecification[]): TestSpecification[] => files;
  sort = (files: TestSpecification[]): TestSpecification[] =>
    files.toSorted((a, b) => (noticed.get(b.moduleId) ?? 0) - (noticed.get(a.moduleId) ?? 0));
}

const vitest = await createVitest(
  {
    watch: false,
    bail: 1,
    reporters: [{}],
    onConsoleLog: () => false,
    // A file has a process of its own: what a mutant that hangs leaves behind is not told of the next. What a cache holds is
    // not what a mutant says.
    maxWorkers: 1,
    isolate: true,
    fsModuleCache: false,
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
    sequence: { sequencer: MostNoticingFirst },
  },
  {
    plugins: [
      { name: 'mutant', enforce: 'pre', load: (id) => (id === mutated?.path ? mutated.text : undefined) },
    ],
  },
);

/** The test that fails, and why it did; null: none does. */
async function failing(tests: TestSpecification[]): Promise<string | null> {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(tests);
  const { url, run, template } = vitest.getRootProject().getProvidedContext().postgres;
  for (const name of await listDatabases(url, run)) if (name !== template) await dropDatabase(url, name);
  const failed = testModules.find(
    (module) => module.state() === 'failed' && tests.some(({ moduleId }) => moduleId === module.moduleId),
  );
  if (failed === undefined) return unhandledErrors.length === 0 ? null : String(unhandledErrors[0]);
  noticed.set(failed.moduleId, (noticed.get(failed.moduleId) ?? 0) + 1);
  const [test] = failed.children.allTests('failed');
  const [error] = [...(test?.result().errors ?? []), ...failed.errors()];
  return `${failed.relativeModuleId}: ${test?.fullName ?? 'before its tests'}: ${error?.message.split('\n')[0]}`;
}

async function attempt(mutant: Mutant, source: string): Promise<string | null> {
  const tests = asked.tests?.split(',') ?? NEAR.find(([module]) => mutant.path.startsWith(module))![1];
  const specifications = await vitest.globTestSpecifications(tests.map((test) => resolve('test', test)));
  mutated = { path: resolve(mutant.path), text: changed(source, mutant) };
  vitest.invalidateFile(mutated.path);
  try {
    return await failing(specifications);
  } finally {
    vitest.invalidateFile(mutated.path);
    mutated = null;
  }
}

const sources = new Map(globSync(asked.of).map((path) => [path, readFileSync(path, 'utf8')]));
const told = (mutant: Mutant): string => described(sources.get(mutant.path)!, mutant);
const all = [...sources]
  .flatMap(([path, source]) => mutantsOf(path, source))
  .filter((mutant) => mutant.language === asked.language && told(mutant).includes(asked.only));
const sample = sampleOf(all, { seed: asked.seed, count: Number(asked.count) }, told);

await vitest.standalone();
try {
  const survivors: Mutant[] = [];
  for (const [i, mutant] of sample.entries()) {
    const by = await attempt(mutant, sources.get(mutant.path)!);
    if (by === null) survivors.push(mutant);
    console.log(`${i + 1}. ${told(mutant)}\n    ${by === null ? 'SURVIVES' : `noticed by ${by}`}`);
  }
  console.log(
    `${sample.length - survivors.length} of ${sample.length} were noticed, of ${all.length} there are.`,
  );
  for (const mutant of survivors) console.log(`  ${told(mutant)}`);
} finally {
  await vitest.close();
}
