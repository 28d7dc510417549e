import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { grpcurl, hasCurl, shellFor } from './support/pages.ts';
import { testDatabase } from './support/postgres.ts';
import { testClock } from './support/clock.ts';
import { observedService } from './support/observed.ts';
import { blocksOf, createComparison, sectionOf } from './support/shown.ts';

/**
 * What is documented is executed: the README's commands give what it shows, its lists are true, and the links and
 * file names of every page lead somewhere.
 */

const readme = readFileSync('README.md', 'utf8');

// The commands ask the machine's own clock for "in a minute", so the service's starts there too.
const time = testClock(Date.now());
const database = await testDatabase();
const service = await observedService(database.url, { clock: time.clock });
afterAll(() => service.stop());

const { metricsUrl } = service.telemetry;
const shell = shellFor({ ...service, metricsUrl });

if (!hasCurl) console.log('curl is not installed: the commands of the README are left out.');
if (grpcurl === undefined)
  console.log('GRPCURL names no binary: the grpcurl commands of the README are left out.');

describe.skipIf(!hasCurl)('what the README says to try', () => {
  const [setup, ...blocks] = blocksOf(sectionOf(readme, '## Try it'));
  const story = blocks.flatMap((command, i) =>
    command.language === 'sh' ? [{ command, output: blocks[i + 1] }] : [],
  );
  const instants = new Map<string, string>();
  const { compare } = createComparison();

  test('begins with what its commands use', async () => {
    for (const [, name = ''] of setup!.text.matchAll(/^(\w+)=\$\(/gm)) {
      instants.set(name, (await shell(`${setup!.text}\necho $${name}`)).trim());
    }
    expect([...instants.keys()]).toEqual(['in_1min', 'in_2min']);
  });

  test('shows an output below every command', () => {
    expect(story.length).toBeGreaterThan(9);
    expect(story.map(({ output }) => output?.language)).not.toContain(undefined);
    expect(story.map(({ output }) => output?.language)).not.toContain('sh');
  });

  const told = story.filter(({ command }) => grpcurl !== undefined || !command.words.includes('grpcurl'));
  test.each(told.map(({ command, output }) => [command.text.slice(0, 90), command, output!] as const))(
    '%s',
    async (_, command, output) => {
      const at = command.words.find((word) => word.startsWith('at='))?.slice('at='.length);
      if (at !== undefined) time.now = Date.parse(instants.get(at)!);
      const known = [...instants].map(([name, instant]) => `${name}=${instant}`);

      const { printed, shown } = compare(
        output,
        await shell([setup!.text, ...known, command.text].join('\n')),
      );
      expect(printed).toEqual(shown);
    },
  );
});

describe('the lists of the README and of docs/operating.md', () => {
  test('name every variable that is read, and no other', () => {
    const source = readFileSync('src/config.ts', 'utf8');
    const read = [...source.matchAll(/\bread\.\w+\('([A-Z_]+)'/g)].map((found) => found[1]!);
    const rows = [
      ...sectionOf(readFileSync('docs/operating.md', 'utf8'), '## Configuration').matchAll(
        /^\| `([A-Z_]+)`/gm,
      ),
    ].map((found) => found[1]!);
    expect(rows.toSorted()).toEqual(read.toSorted());
  });

  test('show figures as they were taken', () => {
    const cells = (row: string) => row.split('|').map((cell) => cell.trim());
    const rowsOf = (page: string) => page.match(/^\|.*\|$/gm)!.map(cells);
    const taken = rowsOf(readFileSync('docs/figures.md', 'utf8')).map((row) => row.slice(0, -2).join('|'));
    const [, , ...shown] = rowsOf(sectionOf(readme, '## Five figures'));
    expect(shown).toHaveLength(5);
    expect(shown.filter((row) => !taken.includes(row.slice(0, -1).join('|')))).toEqual([]);
  });
});

describe('every page', () => {
  const pages = globSync('**/*.md', { exclude: (path) => /^(node_modules|\.data|\.git)$/.test(path) });

  test('is looked at', () => {
    expect(pages).toContain('docs/architecture.md');
    expect(pages).toContain('src/book/README.md');
  });

  test.each(pages)('%s has no link that leads nowhere', (page) => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((found) => found[1]!);
    expect(links.filter((link) => !/^\w+:/.test(link) && !leadsSomewhere(page, link))).toEqual([]);
  });

  test.each(pages)('%s names no file that is not there', (page) => {
    const named = proseOf(page).matchAll(/`((?:src|test|proto|migrations|docs|gen|\.ci)\/[\w./-]+)`/g);
    expect([...named].map((found) => found[1]!).filter((path) => !existsSync(path))).toEqual([]);
  });
});

const proseOf = (page: string): string => readFileSync(page, 'utf8').replaceAll(/^```[^]*?^```$/gm, '');

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  return existsSync(target) && (anchor === undefined || anchorsOf(target).includes(anchor));
}

/** As GitHub names the headings of a page. */
const anchorsOf = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map((found) =>
    found[1]!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
