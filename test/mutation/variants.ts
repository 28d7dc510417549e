import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type * as Database from '../../src/db/database.ts';
import { changed, type Mutant } from './mutants.ts';

/**
 * Which statements a mutant changes, and to what: the modules are loaded once more with the change in place, and what
 * they declare is held against what they declare without it. Runs as a worker, so that its modules go when it ends.
 */
export type Variant = {
  readonly mutant: number;
  readonly statement: string;
  readonly text: string;
  /** Of the text. */
  readonly key: string;
};
export type Asked = {
  readonly mutants: readonly (readonly [number: number, mutant: Mutant])[];
  /** The modules that declare statements. */
  readonly roots: readonly string[];
};
export type Answered = {
  readonly statements: readonly string[];
  readonly variants: readonly Variant[];
  /** The mutants with which nothing starts. */
  readonly broken: readonly number[];
};

const REPEATED =
  /\/src\/(?:(?:book|ledger|feed|pending|query|tables|watch)\/|db\/(?:database|bulk|placement)\.ts)/;
const { mutants, roots } = workerData as Asked;
const byNumber = new Map(mutants.map(([number, mutant]) => [String(number), mutant]));
const bare = new Map<string, string>();

function sourceOf(url: string): string {
  const { pathname, searchParams } = new URL(url);
  const mutant = byNumber.get(searchParams.get('variant')!);
  const source = readFileSync(pathname, 'utf8');
  if (mutant !== undefined && pathname.endsWith(`/${mutant.path}`)) {
    return stripTypeScriptTypes(changed(source, mutant));
  }
  const known = bare.get(pathname) ?? stripTypeScriptTypes(source);
  bare.set(pathname, known);
  return known;
}

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const variant = context.parentURL && new URL(context.parentURL).searchParams.get('variant');
    return variant && REPEATED.test(found.url) && !found.url.includes('?')
      ? { ...found, url: `${found.url}?variant=${variant}` }
      : found;
  },
  load: (url, context, next) =>
    url.includes('?variant=')
      ? { format: 'module', source: sourceOf(url), shortCircuit: true }
      : next(url, context),
});

async function declaredWith(variant: string): Promise<ReadonlyMap<string, string>> {
  const load = (path: string) => import(`${pathToFileURL(path).href}?variant=${variant}`);
  for (const root of roots) await load(root);
  const { declaredStatements } = (await load('src/db/database.ts')) as typeof Database;
  return declaredStatements;
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

const original = await declaredWith('none');
const variants: Variant[] = [];
const broken: number[] = [];
for (const [number] of mutants) {
  try {
    for (const [statement, text] of await declaredWith(String(number))) {
      if (original.get(statement) !== text)
        variants.push({ mutant: number, statement, text, key: keyOf(text) });
    }
  } catch {
    broken.push(number);
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker of Node, no window
parentPort!.postMessage({ statements: [...original.keys()], variants, broken } satisfies Answered);
