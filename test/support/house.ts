import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The sources as a machine sees them: files, what each imports, and the layers and rooms they have a place in. */

export type Source = { path: string; text: string; imports: { from: string; typeOnly: boolean }[] };

/**
 * Who may import whom: from above to below, or within a room. Rooms of one line do not know each other; the leaves at the
 * end do.
 */
export const layers = [
  ['main.ts', 'migrate.ts', 'forget-keys.ts'],
  ['bring-up.ts'],
  ['service.ts', 'config.ts'],
  ['telemetry/'],
  ['rpc/'],
  ['credentials/'],
  ['query/', 'watch/', 'feed/', 'write/', 'verify/'],
  ['live/'],
  ['book/'],
  ['tables/'],
  ['credit/'],
  ['ledger/', 'pending/'],
  ['embedded/'],
  ['db/'],
  [
    'amount.ts',
    'instant.ts',
    'id.ts',
    'actor.ts',
    'reasons.ts',
    'refusal.ts',
    'scope.ts',
    'tree.ts',
    'persistent-map.ts',
    'log.ts',
    'environment.ts',
    'start-error.ts',
  ],
];
/** What there is of a file besides its comments. */
export function parse(path: string, text: string): Source {
  const code = text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) =>
    comment.replaceAll(/[^\n]/g, ''),
  );
  const statements =
    /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)/gm;
  const imports = [...code.matchAll(statements)].map(([, type, from, dynamic]) => {
    const name = from ?? dynamic ?? '';
    return { from: name.startsWith('.') ? join(path, '..', name) : name, typeOnly: type !== undefined };
  });
  return { path, text: code, imports };
}

export const roomOf = (path: string): string | undefined =>
  layers.flat().find((room) => (room.endsWith('/') ? path.startsWith(room) : path === room));

export const layerOf = (path: string): number => {
  const room = roomOf(path);
  return layers.findIndex((layer) => room !== undefined && layer.includes(room));
};

/** One trail from a file to each file it imports, directly or not; without `types` only those that run. */
export function pathsFrom(start: string, sources: readonly Source[], types = false): string[][] {
  const trails = new Map([[start, [start]]]);
  for (const [path, trail] of trails) {
    const imports = sources.find((source) => source.path === path)?.imports ?? [];
    for (const { from } of imports.filter(({ typeOnly }) => types || !typeOnly)) {
      if (!trails.has(from)) trails.set(from, [...trail, from]);
    }
  }
  return [...trails.values()];
}

export const readSources = (): Source[] =>
  globSync('src/**/*.ts').map((file) => parse(file.slice('src/'.length), readFileSync(file, 'utf8')));
