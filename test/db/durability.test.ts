import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { createLog } from '../../src/log.ts';
import { migrateFor, query } from '../support/databases.ts';
import { testService } from '../support/service.ts';

/** Whoever trusts money to a Postgres that may forget it is told so at every start. */

const dataDir = mkdtempSync(join(tmpdir(), 'durability-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

/** What a start on the server says of it, after `sql`; the server is started with the settings. */
async function warnedOf(settings: Readonly<Record<string, string>>, sql = 'select'): Promise<unknown> {
  const { url, stop, ...owner } = await startEmbeddedPostgres({ dataDir, settings });
  try {
    await migrateFor({ url, ...owner });
    await query(url, sql);
    const lines: { readonly level: string; readonly msg: string; readonly off: unknown }[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line));
    const service = await testService(url, { log: createLog('warn', { write }) });
    await service.stop();
    return lines.find(({ level, msg }) => level === 'warn' && msg.includes('docs/on-call.md'))?.off;
  } finally {
    await stop();
  }
}

test('a Postgres as it comes is said nothing of', async () => {
  expect(await warnedOf({})).toBeUndefined();
});

test('synchronous_commit that is off for the role alone is warned about', async () => {
  const off = await warnedOf({}, 'alter role current_user set synchronous_commit = off');

  expect(off).toEqual(['synchronous_commit']);
});

test('fsync and full_page_writes that are off for the server are warned about', async () => {
  const on = 'alter role current_user reset synchronous_commit';

  expect(await warnedOf({ fsync: 'off', full_page_writes: 'off' }, on)).toEqual([
    'fsync',
    'full_page_writes',
  ]);
});
