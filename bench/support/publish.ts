import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { figures } from '../figures/all.ts';
import { markdownOf, merged, type Taken } from './table.ts';

/**
 * Prints the table and writes it: a real run to docs, where what is quoted is kept, a quick one to where nobody takes it
 * for one.
 */
export function publish(taken: readonly Taken[], { quick }: { readonly quick: boolean }): void {
  const directory = resultsDirectory(quick);
  const json = join(directory, 'figures.json');
  const before = existsSync(json)
    ? (JSON.parse(readFileSync(json, 'utf8')) as { figures: Taken[] }).figures
    : [];
  const all = merged(figures, before, taken);
  writeFileSync(json, `${JSON.stringify({ figures: all }, null, 2)}\n`);
  writeFileSync(join(directory, 'figures.md'), `${headOf(quick)}\n\n${markdownOf(all)}\n`);
  console.log(`\n${markdownOf(taken)}\n\nWritten to ${directory}/figures.md and figures.json`);
}

/** Where results of this kind are kept. */
export function resultsDirectory(quick: boolean): string {
  const directory = quick ? '.data/bench/quick' : 'docs';
  mkdirSync(directory, { recursive: true });
  return directory;
}

const headOf = (quick: boolean): string =>
  quick
    ? '# Figures of a quick run\n\nTaken in a hurry, to try the harness out. They mean nothing.'
    : '# Figures\n\nMade by `npm run bench`; [bench/README.md](../bench/README.md) says how to read them. ' +
      'Each figure carries its own date and machine. Sides of a ratio ran interleaved in one run.';
