import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { afterAll, expect, inject } from 'vitest';
import { createDatabase, dropDatabase, withDatabase } from './databases.ts';

export type TestDatabase = { url: string; drop(): Promise<void> };

/**
 * A database of this test file's own, with the schema of this release, or nothing in it at all. Call it at
 * the top of the file or of a describe, outside of hooks and tests. It is dropped at the end, unless a test
 * failed: then it stays, and its name is printed.
 */
export async function testDatabase(content: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const { url, run, template } = inject('postgres');
  const file = basename(expect.getState().testPath ?? 'unknown', '.test.ts')
    .replaceAll(/\W/g, '_')
    .slice(0, 30);
  const name = `${run}_${file}_${randomBytes(3).toString('hex')}`;
  await createDatabase(url, name, content === 'migrated' ? template : 'template0');
  const drop = () => dropDatabase(url, name);
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the parameter's text and accepts nothing else
  afterAll(async ({}, suite) => {
    if (hasFailed(suite)) console.warn(`Kept the database of a failed test: ${name}`);
    else await drop();
  });
  return { url: withDatabase(url, name), drop };
}

type Task = { result?: { state: string }; tasks?: readonly Task[] };

function hasFailed(task: Task): boolean {
  return task.result?.state === 'fail' || (task.tasks ?? []).some(hasFailed);
}
