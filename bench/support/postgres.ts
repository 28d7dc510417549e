import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { shutdown } from '../../src/embedded/server.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';

/** The Postgres of one run, in a directory of its own. */
export type BenchPostgres = {
  /** As the owner of the databases, and as the role that the service works with. */
  readonly postgresUrl: string;
  readonly serviceUrl: string;
  readonly postgresPid: number;
  readonly directory: string;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
};

const RUNS = '.data/bench';

/** With the settings `npm start` gives it; every commit reaches the disk. */
export async function createPostgres(): Promise<BenchPostgres> {
  mkdirSync(RUNS, { recursive: true });
  await sweep();
  const directory = join(realpathSync(RUNS), `run-${process.pid}`);
  const postgres = await startEmbeddedPostgres({ dataDir: directory });
  return {
    postgresUrl: postgres.ownerUrl,
    serviceUrl: postgres.url,
    postgresPid: findPostmaster(join(directory, 'postgres'))!.pid,
    directory,
    async stop() {
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Ends and removes what runs that were killed have left. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(RUNS)) {
    const pid = /^run-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const directory = join(realpathSync(RUNS), name);
    await shutdown(join(directory, 'postgres'));
    rmSync(directory, { recursive: true, force: true });
  }
}
