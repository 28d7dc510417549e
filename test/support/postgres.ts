import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { afterAll, expect, inject } from 'vitest';
import { createDatabase, dropDatabase, withDatabase, type RoleUrls } from './databases.ts';
import { hasOwner } from './sql.ts';

export type TestDatabase = RoleUrls & { drop(): Promise<void> };

/**
 * A database of this test file's own, with the schema of this release, for the service's role; or one with nothing in it
 * at all, for its owner. Call it at the top of the file or of a describe, outside of hooks and tests. It is dropped at the end, unless a test
 * failed: then it stays, and its name is printed.
 */
export async function testDatabase(content: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const { ownerUrl: server, url: forService, run, template } = inject('postgres');
  const file = basename(expect.getState().testPath ?? 'unknown', '.test.ts')
    .replaceAll(/\W/g, '_')
    .slice(0, 30);
  const name = `${run}_${file}_${randomBytes(3).toString('hex')}`;
  await createDatabase(server, name, content === 'migrated' ? template : 'template0');
  const drop = () => dropDatabase(server, name);
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the parameter's text and accepts nothing else
  afterAll(async ({}, suite) => {
    if (hasFailed(suite)) console.warn(`Kept the database of a failed test: ${name}`);
    else await drop();
  });
  const ownerUrl = withDatabase(server, name);
  const urls = { url: content === 'migrated' ? withDatabase(forService, name) : ownerUrl, ownerUrl };
  hasOwner(urls);
  return { ...urls, drop };
}

type Task = { result?: { state: string }; tasks?: readonly Task[] };

function hasFailed(task: Task): boolean {
  return task.result?.state === 'fail' || (task.tasks ?? []).some(hasFailed);
}
