import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { described, mutantsOf } from './mutants.ts';
import type { Answered, Asked, Variant } from './variants.ts';

/**
 * Every small change of every statement of the modules that speak to the database, and those that no test tells from
 * the statement itself: docs/mutation-testing.md. Arguments name tests; with --still only what the last run has not told
 * apart is tried:
 *
 *     node test/mutation/sql.ts --still test/ledger
 */
const WORK = '.data/mutation';
const TESTS = [
  'query',
  'ledger',
  'pending',
  'feed',
  'watch',
  'book',
  'write',
  'tables',
  'service',
  'conformance',
  'verify',
].map((folder) => `test/${folder}`);

const still = process.argv.includes('--still');
const tests = process.argv.slice(2).filter((argument) => argument !== '--still');

const paths = globSync('src/{book,ledger,feed,pending,query,tables,watch}/**/*.ts').toSorted();
const sources = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
const mutants = [...sources]
  .flatMap(([path, source]) => mutantsOf(path, source))
  .filter(({ language }) => language === 'sql')
  .map((mutant, number) => [number, mutant] as const);
const nameOf = (number: number): string => {
  const [, mutant] = mutants[number]!;
  return described(sources.get(mutant.path)!, mutant);
};

async function variantsOf(some: Asked['mutants']): Promise<Answered> {
  const roots = paths.filter((path) => /\bstatement[<(]|\bbulk(Insert|Update)/.test(sources.get(path)!));
  const workerData: Asked = { mutants: some, roots };
  const worker = new Worker(new URL('variants.ts', import.meta.url), { workerData });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}

/** How many are worked out before the memory that they take is given back. */
const AT_ONCE = 100;
const variants: Variant[] = [];
for (let from = 0; from < mutants.length; from += AT_ONCE) {
  variants.push(...(await variantsOf(mutants.slice(from, from + AT_ONCE))).variants);
}

mkdirSync(WORK, { recursive: true });
const [asked, told] = [`${WORK}/variants.json`, `${WORK}/told.tsv`];
if (!still) writeFileSync(told, '');
const toldSoFar = () =>
  readFileSync(told, 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
const isAlike = () => {
  const apart = new Set(toldSoFar().flatMap(([kind, variant]) => (kind === 'run' ? [] : [variant])));
  return ({ statement, key }: Variant) => !apart.has(`${statement} ${key}`);
};
writeFileSync(asked, JSON.stringify({ told, variants: variants.filter(isAlike()) }));

try {
  const run = ['run', '--root', '.', '--config', 'test/mutation/sql.config.ts'];
  execFileSync('vitest', [...run, ...(tests.length > 0 ? tests : TESTS)], {
    env: { ...process.env, SQL_VARIANTS: asked },
    stdio: 'inherit',
  });
} catch {
  console.log('Tests failed: what they would have told apart may be missing below.');
}

const named = (kind: string) => new Set(toldSoFar().flatMap(([own, name]) => (own === kind ? [name] : [])));
const [run, broken] = [named('run'), named('broken')];
// What locks or writes cannot be asked twice.
const tried = variants.filter(
  ({ statement, key, text }) =>
    run.has(statement) &&
    !broken.has(`${statement} ${key}`) &&
    !/\b(for (update|share)|insert into|delete from)\b/.test(text),
);
const alike = tried.filter(isAlike());
for (const [name, own] of Map.groupBy(alike, ({ mutant }) => nameOf(mutant))) {
  console.log(`${name}\n    in ${own.map(({ statement }) => statement).join(', ')}`);
}
const once = new Set(tried.map(({ statement }) => statement));
const untried = new Set(variants.map(({ statement }) => statement).filter((name) => !once.has(name)));
console.log(
  `${mutants.length} mutants change statements in ${variants.length} ways. ${tried.length} were tried,`,
);
console.log(`${tried.length - alike.length} told apart, ${alike.length} not.`);
console.log(`Never run, or not fit to be asked twice: ${[...untried].join(', ') || 'none'}.`);
