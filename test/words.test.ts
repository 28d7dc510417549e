import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** docs/words.md, as far as a machine can see whether it is true. */

const words = [
  ...readFileSync('docs/words.md', 'utf8').matchAll(/^\| ([a-z][a-z -]*?) +\|.*\]\((\S+\.ts)\) +\|$/gm),
].map(([, word, path]) => ({ word: word!, path: join('docs', path!) }));

const folded = (text: string): string => text.toLowerCase().replaceAll(/[-_\s]/g, '');

test('the dictionary is read', () => {
  expect(words.length).toBeGreaterThan(50);
});

test('a word has one meaning', () => {
  const all = words.map(({ word }) => word);
  expect(all).toEqual([...new Set(all)]);
});

test.each(words)('$word stands where the dictionary says', ({ word, path }) => {
  expect(existsSync(path)).toBe(true);
  expect(folded(readFileSync(path, 'utf8'))).toContain(folded(word));
});
