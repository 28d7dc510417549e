import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of its own that can be filled. */
export type SmallDisk = {
  fill(): void;
  makeRoom(): void;
  unmount(): void;
};

/** Mounts one at an empty directory; null where this machine lets nobody do that. */
export function smallDisk(path: string): SmallDisk | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const ballast = join(path, 'ballast');
  return {
    fill() {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 1));
    },
    makeRoom: () => rmSync(ballast),
    unmount: () => void execFileSync('umount', ['--lazy', path]),
  };
}

/** What is said where none can be made. */
export const NO_SMALL_DISK = 'no file system of its own can be mounted here, so none can be filled';
