import { globSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { described, mutantsOf, sampleOf, type Mutant } from './mutants.ts';
import { openTrials } from './trials.ts';

/**
 * What the tests of the modules that speak to the database would let through: a sample of small changes of their code,
 * each run against the tests that are nearest to it, on Postgres (docs/mutation-testing.md).
 *
 *     node test/mutation/sample.ts --of 'src/feed/*.ts' --count 50
 */
const SOURCES = 'src/{write,query,book,tables,ledger,feed,watch,live,pending}/**/*.ts';

const { values: asked } = parseArgs({
  options: {
    of: { type: 'string', default: SOURCES },
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    language: { type: 'string', default: 'code' },
    /** Only the mutants that are told with this text in them. */
    only: { type: 'string', default: '' },
    /** Other tests than those that are near, separated by commas. */
    tests: { type: 'string' },
    /** Seconds. What takes a test longer has stopped. */
    patience: { type: 'string', default: '60' },
    /** Seconds of tests, as long as they take without a mutant, after which a mutant counts as one that survives. */
    budget: { type: 'string', default: 'Infinity' },
    /** So many of the sample have been tried already. */
    skip: { type: 'string', default: '0' },
  },
});

/** What tests are near: a module's own, and those of the questions that it answers. */
const NEAR: readonly (readonly [module: string, tests: readonly string[]])[] = [
  ['src/live/', ['live', 'feed', 'watch']],
  ['src/watch/', ['watch']],
  ['src/feed/', ['feed']],
  ['src/pending/', ['pending', 'query', 'book/projections', 'verify']],
  ['src/write/', ['write', 'book', 'query', 'verify']],
  ['src/book/', ['book', 'write', 'query', 'verify']],
  ['src/tables/', ['tables', 'book', 'write', 'query', 'verify']],
  ['src/ledger/', ['ledger', 'query', 'book', 'write', 'verify', 'feed/feed']],
  ['src/query/', ['query', 'service']],
];

const testsNear = ({ path }: Mutant): readonly string[] =>
  asked.tests?.split(',') ?? NEAR.find(([module]) => path.startsWith(module))![1];

const sources = new Map(globSync(SOURCES).map((path) => [path, readFileSync(path, 'utf8')]));
const told = (mutant: Mutant): string => described(sources.get(mutant.path)!, mutant);
const all = [...sources]
  .filter(([path]) => matchesGlob(path, asked.of))
  .flatMap(([path, source]) => mutantsOf(path, source))
  .filter((mutant) => mutant.language === asked.language && told(mutant).includes(asked.only));
const sample = sampleOf(all, { seed: asked.seed, count: Number(asked.count) }, told);

const trials = await openTrials(sources, testsNear, {
  patienceMs: Number(asked.patience) * 1000,
  budgetMs: Number(asked.budget) * 1000,
});
try {
  const survivors: Mutant[] = [];
  for (const [i, mutant] of sample.entries()) {
    if (i < Number(asked.skip)) continue;
    const by = await trials.attempt(mutant);
    if (by === null) survivors.push(mutant);
    console.log(`${i + 1}. ${told(mutant)}\n    ${by === null ? 'SURVIVES' : `noticed by ${by}`}`);
  }
  console.log(
    `${sample.length - survivors.length} of ${sample.length} were noticed, of ${all.length} there are.`,
  );
  for (const mutant of survivors) console.log(`  ${told(mutant)}`);
} finally {
  await trials.close();
}
