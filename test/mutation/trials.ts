import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { createVitest, type TestModule, type TestSpecification, type Vitest } from 'vitest/node';
import { dropDatabase, listDatabases } from '../support/databases.ts';
import { markAt, marked, marksOf } from './marks.ts';
import { changed, type Mutant } from './mutants.ts';

const WORK = '.data/mutation';
const NOTES = `${WORK}/marks-run-${process.pid}.json`;

/** Runs tests with some sources replaced, on Postgres. */
type Bench = {
  readonly vitest: Vitest;
  run(
    replaced: ReadonlyMap<string, string>,
    tests: readonly TestSpecification[],
  ): Promise<{ readonly modules: readonly TestModule[]; readonly error: string | null }>;
};

async function createBench(patienceMs: number): Promise<Bench> {
  let replaced: ReadonlyMap<string, string> = new Map();
  class AsGiven {
    shard = (files: TestSpecification[]): TestSpecification[] => files;
    sort = (files: TestSpecification[]): TestSpecification[] => files;
  }
  const vitest = await createVitest(
    {
      watch: false,
      bail: 1,
      reporters: [{}],
      onConsoleLog: () => false,
      // A file has a process of its own: what a mutant that hangs leaves behind is not told of the next. What a cache holds
      // is not what a mutant says.
      maxWorkers: 1,
      isolate: true,
      fsModuleCache: false,
      testTimeout: patienceMs,
      hookTimeout: patienceMs,
      setupFiles: ['test/mutation/note-marks.ts'],
      env: { MARKS_RUN: resolve(NOTES), ENDS_AFTER_MS: String(5 * patienceMs) },
      sequence: { sequencer: AsGiven },
    },
    { plugins: [{ name: 'replaced', enforce: 'pre', load: (id) => replaced.get(relative('.', id)) }] },
  );
  await vitest.standalone();
  return {
    vitest,
    async run(sources, tests) {
      const invalidate = () => [...sources.keys()].forEach((path) => vitest.invalidateFile(resolve(path)));
      replaced = sources;
      invalidate();
      // Or a file that is not begun, because another has failed, would tell of the run before.
      vitest.state.filesMap.clear();
      try {
        const { testModules, unhandledErrors } = await vitest.runTestSpecifications([...tests]);
        const modules = testModules.filter(({ moduleId }) =>
          tests.some((test) => test.moduleId === moduleId),
        );
        const [error] = unhandledErrors as readonly { message?: string }[];
        return { modules, error: error === undefined ? null : (error.message ?? 'what no test has caught') };
      } finally {
        replaced = new Map();
        invalidate();
        const { url, run, template } = vitest.getRootProject().getProvidedContext().postgres;
        for (const name of await listDatabases(url, run))
          if (name !== template) await dropDatabase(url, name);
      }
    },
  };
}

/** What a file of tests runs of the sources, and how long it takes. */
type Reach = { readonly marks: readonly string[]; readonly ms: number };

const digestOf = (texts: Iterable<string>): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return hash.digest('hex').slice(0, 12);
};

/** Found by running each file once with its sources marked; kept for as long as neither it nor the sources change. */
async function reachOf(
  { run }: Bench,
  sources: ReadonlyMap<string, string>,
  tests: readonly TestSpecification[],
): Promise<ReadonlyMap<string, Reach>> {
  const kept = `${WORK}/reach-${digestOf(sources.values())}.json`;
  const read = (): Record<string, Reach> => (existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {});
  const known = read();
  const notes = new Map([...sources].map(([path, text]) => [path, marked(text, marksOf(path, text))]));
  const keyOf = ({ moduleId }: TestSpecification) =>
    `${relative('.', moduleId)} ${digestOf([readFileSync(moduleId, 'utf8')])}`;
  for (const test of tests.filter((one) => known[keyOf(one)] === undefined)) {
    rmSync(NOTES, { force: true });
    const { modules } = await run(notes, [test]);
    if (!modules.every((module) => module.ok())) throw new Error(`${keyOf(test)} fails without a mutant`);
    const { duration, collectDuration, setupDuration } = modules[0]!.diagnostic();
    const marks = JSON.parse(readFileSync(NOTES, 'utf8')) as string[];
    known[keyOf(test)] = { marks, ms: Math.round(duration + collectDuration + setupDuration) };
    writeFileSync(kept, JSON.stringify({ ...read(), ...known }));
    rmSync(NOTES);
    console.log(`${keyOf(test)} runs ${marks.length} marks in ${known[keyOf(test)]!.ms} ms`);
  }
  return new Map(tests.map((test) => [test.moduleId, known[keyOf(test)]!]));
}

export type Trials = {
  /** The test that fails, and why it did; null: none does. */
  attempt(mutant: Mutant): Promise<string | null>;
  close(): Promise<void>;
};

/** Tries mutants of the sources, each by those of the tests near to it that run what it changes. */
export async function openTrials(
  sources: ReadonlyMap<string, string>,
  testsNear: (mutant: Mutant) => readonly string[],
  { patienceMs, budgetMs }: { readonly patienceMs: number; readonly budgetMs: number },
): Promise<Trials> {
  mkdirSync(WORK, { recursive: true });
  const bench = await createBench(patienceMs);
  const { vitest, run } = bench;
  /** How often a file of tests has noticed a mutant, of how many that it was run against. */
  const noticed = new Map<string, { readonly times: number; readonly of: number }>();

  async function attempt(mutant: Mutant): Promise<string | null> {
    const source = sources.get(mutant.path)!;
    const near = await vitest.globTestSpecifications(testsNear(mutant).map((test) => resolve('test', test)));
    const reach = await reachOf(bench, sources, near);
    const { name } = markAt(marksOf(mutant.path, source), mutant.from);
    // Most noticing first for what they cost.
    const worth = ({ moduleId }: TestSpecification) => {
      const { times, of } = noticed.get(moduleId) ?? { times: 0, of: 0 };
      return (times + 1) / (of + 2) / (500 + reach.get(moduleId)!.ms);
    };
    const tests = near
      .filter(({ moduleId }) => reach.get(moduleId)!.marks.includes(name))
      .toSorted((a, b) => worth(b) - worth(a))
      .filter(
        (_, i, all) => all.slice(0, i).reduce((sum, one) => sum + reach.get(one.moduleId)!.ms, 0) < budgetMs,
      );
    if (tests.length === 0) return null;
    const { modules, error } = await run(new Map([[mutant.path, changed(source, mutant)]]), tests);
    for (const module of modules.filter((one) => ['passed', 'failed'].includes(one.state()))) {
      const { times, of } = noticed.get(module.moduleId) ?? { times: 0, of: 0 };
      noticed.set(module.moduleId, { times: times + (module.ok() ? 0 : 1), of: of + 1 });
    }
    return failureOf(modules) ?? error;
  }

  return {
    attempt,
    async close() {
      await vitest.close();
      rmSync(NOTES, { force: true });
    },
  };
}

function failureOf(modules: readonly TestModule[]): string | null {
  const failed = modules.find((module) => module.state() === 'failed');
  if (failed === undefined) return null;
  const [test] = failed.children.allTests('failed');
  const [error] = [...(test?.result().errors ?? []), ...failed.errors()];
  return `${failed.relativeModuleId}: ${test?.fullName ?? 'before its tests'}: ${error?.message.split('\n')[0]}`;
}
