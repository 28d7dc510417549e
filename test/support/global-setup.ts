import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import {
  createDatabase,
  dropDatabase,
  listDatabases,
  migrateFor,
  query,
  withDatabase,
  withUser,
  type RoleUrls,
} from './databases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Postgres of this run; `run` begins the name of every database it makes. */
    postgres: RoleUrls & { run: string; template: string };
  }
}

const runs = '.data/tests';
const failed = join(runs, 'failed');

/**
 * One Postgres per test run, with one migrated template that each test file clones. Runs at the same time
 * do not meet: each has its own server, or on the one of TEST_DATABASE_URL its own names.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = `test_${randomBytes(3).toString('hex')}`;
  const template = `${run}_template`;
  const server = await startServer(run);
  const { url, ownerUrl } = server;
  await createDatabase(ownerUrl, template, 'template0');
  await migrateFor({ url: withDatabase(url, template), ownerUrl: withDatabase(ownerUrl, template) });
  project.provide('postgres', { url, ownerUrl, run, template });

  return async () => {
    await dropDatabase(ownerUrl, template);
    // Whoever still has one had a failing test, or was killed.
    await server.stop(await listDatabases(ownerUrl, run));
  };
}

type TestServer = RoleUrls & { stop(kept: readonly string[]): Promise<void> };

/** On a server of somebody's own the service gets a role of this run's, which goes with the last database of it. */
async function besides(ownerUrl: string, role: string): Promise<TestServer> {
  const password = randomBytes(16).toString('hex');
  await query(ownerUrl, `create role ${role} login password '${password}'`);
  await query(ownerUrl, `grant ${role} to current_user`);
  return {
    ownerUrl,
    url: withUser(ownerUrl, role, password),
    async stop(kept) {
      if (kept.length === 0) await query(ownerUrl, `drop role ${role}`);
    },
  };
}

async function startServer(run: string): Promise<TestServer> {
  const url = process.env['TEST_DATABASE_URL'];
  if (url !== undefined && url !== '') return besides(url, `${run}_service`);

  await sweep();
  const dataDir = join(runs, String(process.pid));
  const postgres = await startEmbeddedPostgres({ dataDir, settings: careless });
  return {
    url: postgres.url,
    ownerUrl: postgres.ownerUrl,
    async stop(kept) {
      await postgres.stop();
      if (kept.length === 0) return rmSync(dataDir, { recursive: true, force: true });
      rmSync(failed, { recursive: true, force: true });
      renameSync(dataDir, failed);
      console.warn(
        `Kept for you to look at: ${kept.join(', ')}. Open them with: node test/support/open-kept.ts`,
      );
    },
  };
}

/**
 * Fast because a crash may lose everything. Without autovacuum, whose workers keep a database from being dropped, and
 * whose statistics would make plans differ from run to run. What plans depend on is the same on every machine.
 */
const careless = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  autovacuum: 'off',
  effective_cache_size: '4GB',
  shared_buffers: '128MB',
};

/** Ends what runs that were killed left behind. Another run may be at it as well: then it is that one's to finish. */
async function sweep(): Promise<void> {
  mkdirSync(runs, { recursive: true });
  for (const name of readdirSync(runs).filter((pid) => /^\d+$/.test(pid) && !existsSync(`/proc/${pid}`))) {
    const dataDir = join(runs, name);
    try {
      const abandoned = await startEmbeddedPostgres({ dataDir, settings: careless });
      await abandoned.stop();
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      console.warn(`Left for the next run to sweep: ${dataDir} (${(error as Error).message})`);
    }
  }
}
