import { readFile } from 'node:fs/promises';
import type { Clock } from '../db/clock.ts';
import { createLoop } from './loop.ts';

/** A file as it was read: what stands in it, or why nobody can say. */
export type FileRead = { readonly path: string; readonly text: string; readonly problem?: string };

/**
 * How often files are looked at. By the clock, and all of them: what a rename, a link that is set elsewhere (as Kubernetes
 * does with secrets) or a network file system tell of a change differs, and what is read does not.
 */
const LOOK_EVERY_MS = 1_000;

const readOne = (path: string): Promise<FileRead> =>
  readFile(path, 'utf8').then(
    (text) => ({ path, text }),
    ({ code }: NodeJS.ErrnoException) => ({ path, text: '', problem: `cannot be read: ${code}` }),
  );

export type WatchedFiles = {
  /** As they were first read. */
  readonly first: readonly FileRead[];
  /** From now on tells all of them when any has changed since; called once. */
  follow(changed: (files: readonly FileRead[]) => void): void;
  close(): Promise<void>;
};

/** Reads files, in the order of their paths, and looks at them again and again once somebody follows. */
export async function watchFiles(paths: readonly string[], clock: Clock): Promise<WatchedFiles> {
  const read = () => Promise.all(paths.map(readOne));
  const first = await read();
  let seen = JSON.stringify(first);
  let tell: (files: readonly FileRead[]) => void;

  async function look(): Promise<void> {
    const now = await read();
    const said = JSON.stringify(now);
    if (said !== seen) {
      seen = said;
      tell(now);
    }
    loop.within(LOOK_EVERY_MS);
  }

  const loop = createLoop(clock, 0, look);
  return {
    first,
    follow(changed) {
      tell = changed;
      loop.within(LOOK_EVERY_MS);
    },
    close: () => loop.stop(),
  };
}
