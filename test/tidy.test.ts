import { describe, expect, test } from 'vitest';
import { layerOf, layers, parse, pathsFrom, readSources, roomOf, type Source } from './support/house.ts';
import { wayOf, WAYS } from './support/ways.ts';

/** What docs/architecture.md says about the house, as far as a machine can see it. */

/** A library has one owner, so that it can be replaced, and its traps are known in one place. */
const owners: [library: RegExp, owner: RegExp][] = [
  [/^decimal\.js/, /^amount\.ts$/],
  [/^pino/, /^log\.ts$/],
  [/^prom-client/, /^telemetry\/exposition\.ts$/],
  [/^@opentelemetry\//, /^telemetry\/([a-z]+-spans|span-time|traces)\.ts$/],
  [/^(pg|knex)(\/|$)/, /^(db|embedded)\//],
  [/^(@grpc|@connectrpc)\//, /^rpc\//],
  [/^(@bufbuild\/|#gen\/)/, /^(rpc\/|service\.ts$)/],
];

const banned: [call: RegExp, allowedIn: RegExp, instead: string][] = [
  [/\bDate\.now\(|\bnew Date\(\)/, /^db\/clock\.ts$/, 'the clock, db/clock.ts'],
  [/\bprocess\.env\b/, /^config\.ts$/, 'a field of Config'],
  [
    /(?<![.\w])set(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|\bperformance\.now\b/,
    /^db\/clock\.ts$/,
    'the clock, db/clock.ts',
  ],
  [
    /\bnew pg\.(Client|Pool)\(/,
    /^(db\/(notifications|reach)|embedded\/provision)\.ts$/,
    'a connection of Knex, by db/knex.ts',
  ],
  // Spread together, what one of them has besides its type would be taken for a parameter without a word.
  [
    /\bbind\((?:[^()]|\([^()]*\))*\.\.\.\w+ *[,}]/,
    /^$/,
    'a part of its own for each object, which bind holds apart',
  ],
  [/\bMath\.random\(/, /^$/, 'id.ts or node:crypto'],
  [/\bconsole\./, /^$/, 'the log'],
  [/\brecorded_at desc\b/, /^ledger\/as-of\.ts$/, 'versionAt of ledger/as-of.ts'],
  [
    /\brunning_total\b/,
    /^(ledger\/(as-of|store|read-journal)\.ts|verify\/)/,
    'heldAt or lastTotal of ledger/as-of.ts',
  ],
  [
    /\blate_(class|sums|summed)\b/,
    /^(ledger\/(late-entries|store)\.ts|verify\/)/,
    'a piece of ledger/late-entries.ts',
  ],
];

const largest = 300;

const rules: Record<string, (sources: readonly Source[]) => string[]> = {
  [`no file has more than ${largest} lines`]: (sources) =>
    sources.filter(({ text }) => text.split('\n').length > largest).map(({ path }) => path),

  'every file has a place in the layers': (sources) =>
    sources.filter(({ path }) => layerOf(path) === -1).map(({ path }) => path),

  'imports point downwards': (sources) =>
    internalImports(sources, ({ path }, from) => layerOf(path) > layerOf(from)),

  'rooms of one layer do not know each other': (sources) =>
    internalImports(
      sources,
      ({ path }, from) =>
        layerOf(path) === layerOf(from) && roomOf(path) !== roomOf(from) && layerOf(from) < layers.length - 1,
    ),

  'the rooms of the edge know each other one way: transport, call, decoding and encoding': (sources) =>
    internalImports(
      sources,
      ({ path }, from) =>
        (path.startsWith('rpc/call/') && from.startsWith('rpc/transport/')) ||
        (/^rpc\/(decoding|encoding)\//.test(path) && /^rpc\/(transport|call)\//.test(from)),
    ),

  'the pure core reaches no database, by no detour': (sources) =>
    sources
      .filter(({ path }) => path.startsWith('credit/'))
      .flatMap(({ path }) => pathsFrom(path, sources).filter((trail) => trail.at(-1)?.startsWith('db/')))
      .map((trail) => trail.join(' → ')),

  'an exported type has its name to itself': (sources) =>
    [...Map.groupBy(sources.flatMap(exportedTypes), ({ name }) => name)]
      .filter(([, all]) => all.length > 1)
      .map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(', ')}`),

  'there are no import cycles': (sources) =>
    sources
      .flatMap(({ path, imports }) => imports.map(({ from }) => ({ path, from })))
      .filter(({ path, from }) => pathsFrom(from, sources, true).some((trail) => trail.at(-1) === path))
      .map(({ path, from }) => `${path} → ${from} → … → ${path}`),

  'each library has one owner': (sources) =>
    sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ from }) => owners.some(([library, owner]) => library.test(from) && !owner.test(path)))
        .map(({ from }) => `${path} imports ${from}`),
    ),

  'each thing is done in one place': (sources) =>
    sources.flatMap(({ path, text }) =>
      banned
        .filter(([call, allowedIn]) => call.test(text) && !allowedIn.test(path))
        .map(([call, , instead]) => `${path}: ${call.exec(text)?.[0]} – use ${instead}`),
    ),
};

const exportedTypes = ({ path, text }: Source) =>
  [...text.matchAll(/^export (?:type|interface|class) (\w+)/gm)].map(([, name]) => ({ name, path }));

function internalImports(
  sources: readonly Source[],
  wrong: (source: Source, from: string) => boolean,
): string[] {
  const known = new Set(sources.map(({ path }) => path));
  return sources.flatMap((source) =>
    source.imports
      .filter(({ from }) => known.has(from) && wrong(source, from))
      .map(({ from }) => `${source.path} imports ${from}`),
  );
}

describe('the sources', () => {
  const sources = readSources();

  test('are read', () => {
    expect(sources.length).toBeGreaterThan(60);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  test.each(Object.entries(rules))('%s', (_rule, violations) => {
    expect(violations(sources)).toEqual([]);
  });
});

describe('a house that is not tidy', () => {
  const untidy: Record<string, Record<string, string>> = {
    [`no file has more than ${largest} lines`]: { 'id.ts': '\n'.repeat(largest) },
    'every file has a place in the layers': { 'helpers/misc.ts': '' },
    'imports point downwards': { 'db/a.ts': `import type { B } from '../book/b.ts';`, 'book/b.ts': '' },
    'rooms of one layer do not know each other': {
      'ledger/a.ts': `export * from '../pending/b.ts';`,
      'pending/b.ts': '',
    },
    'the rooms of the edge know each other one way: transport, call, decoding and encoding': {
      'rpc/decoding/a.ts': `import { b } from '../call/b.ts';`,
      'rpc/call/b.ts': `import { c } from '../transport/c.ts';`,
      'rpc/transport/c.ts': '',
    },
    'the pure core reaches no database, by no detour': {
      'credit/a.ts': `import {\n  b,\n} from '../ledger/b.ts';`,
      'ledger/b.ts': `import '../db/c.ts';`,
      'db/c.ts': '',
    },
    'an exported type has its name to itself': {
      'book/a.ts': `export type Point = { x: 1 };`,
      'feed/b.ts': `export type Point<T> = { y: T };`,
    },
    'there are no import cycles': {
      'id.ts': `import { a } from './scope.ts';`,
      'scope.ts': `await import('./id.ts');`,
    },
    'each library has one owner': { 'book/a.ts': `import type pg from 'pg';` },
    'each thing is done in one place': { 'book/a.ts': `const now = new Date();` },
  };

  test.each(Object.entries(rules))('is noticed: %s', (rule, violations) => {
    const sources = Object.entries(untidy[rule] ?? {}).map(([path, text]) => parse(path, text));

    expect(violations(sources)).not.toEqual([]);
  });
});

/** Where the house is put together, once, at the start: what these files import they hand to each other to call. */
const wiring = [
  'service.ts',
  'rpc/transport/server.ts',
  'rpc/transport/connections.ts',
  'rpc/credit/credit-service.ts',
];

/** What is wrong with a way through the sources, of which each file is to be called by one before it. */
function detours(way: readonly string[], sources: readonly Source[]): string[] {
  const imports = (path: string) => sources.find((source) => source.path === path)?.imports ?? [];
  const rooms = way.map((path) => roomOf(path) ?? path);
  return [
    ...way
      .filter((path) => !sources.some((source) => source.path === path))
      .map((path) => `${path} is not there`),
    ...way
      .filter(
        (path, i) =>
          ![...wiring, ...way.slice(0, i)].some((one) => imports(one).some(({ from }) => from === path)),
      )
      .map((path) => `none before ${path} calls it`),
    ...way
      .filter((_, i) => rooms[i] !== rooms[i - 1] && rooms.indexOf(rooms[i]!) < i)
      .map((path) => `${path} goes back to a room`),
  ];
}

describe('the ways that docs/architecture.md shows', () => {
  const sources = readSources();

  test.each(WAYS)('$heading: $most files at most, without a detour', ({ heading, most }) => {
    const way = wayOf(heading);

    expect(way.length).toBeGreaterThan(5);
    expect(way.length).toBeLessThanOrEqual(most);
    expect(detours(way, sources)).toEqual([]);
  });

  test('are noticed where they lead nowhere, jump or go back', () => {
    const house = [
      parse('service.ts', `import './rpc/a.ts';`),
      parse('rpc/a.ts', `import { b } from '../write/b.ts';`),
      parse('write/b.ts', `import type { C } from '../book/c.ts';\nimport { d } from './d.ts';`),
      parse('write/d.ts', ''),
      parse('book/c.ts', ''),
    ];

    expect(detours(['rpc/a.ts', 'write/b.ts', 'write/d.ts', 'book/c.ts'], house)).toEqual([]);
    expect(detours(['rpc/a.ts', 'book/c.ts', 'write/b.ts', 'write/x.ts', 'book/c.ts'], house)).toEqual([
      'write/x.ts is not there',
      'none before book/c.ts calls it',
      'none before write/x.ts calls it',
      'book/c.ts goes back to a room',
    ]);
  });
});
