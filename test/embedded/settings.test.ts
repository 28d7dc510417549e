import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { machineOf, settingsFor } from '../../src/embedded/settings.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { query } from '../support/databases.ts';

const GIB = 2 ** 30;
const DURABLE = ['fsync', 'full_page_writes', 'synchronous_commit'];

describe('settings for a machine', () => {
  test.each([
    ['that is tiny', { memory: GIB / 2, disk: 8 * GIB }, '128MB', '256MB', '1024MB'],
    ['that is small', { memory: 2 * GIB, disk: 20 * GIB }, '256MB', '1024MB', '1024MB'],
    ['of some size', { memory: 8 * GIB, disk: 30 * GIB }, '1024MB', '4096MB', '1536MB'],
    ['that is large', { memory: 256 * GIB, disk: 4_000 * GIB }, '2048MB', '131072MB', '2048MB'],
  ])('%s', (_, machine, buffers, cache, log) => {
    expect(settingsFor(machine)).toMatchObject({
      shared_buffers: buffers,
      effective_cache_size: cache,
      max_wal_size: log,
    });
  });

  test('leave to Postgres what makes commits last', () => {
    const settings = settingsFor({ memory: 8 * GIB, disk: 100 * GIB });

    expect(DURABLE.filter((name) => name in settings)).toEqual([]);
  });
});

describe('a Postgres that comes along', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'settings-'));
  afterAll(() => rmSync(dataDir, { recursive: true }));

  test('has them, and its commits last', async () => {
    const { url, stop } = await startEmbeddedPostgres({ dataDir });
    const wanted = settingsFor(machineOf(dataDir));
    const rows = await query(
      url,
      `select name, current_setting(name) as value from pg_settings
       where name in ('jit', 'checkpoint_timeout', 'wal_buffers', ${DURABLE.map((name) => `'${name}'`).join()})`,
    );
    const [sizes] = await query(
      url,
      `select pg_size_bytes(current_setting('shared_buffers')) = pg_size_bytes('${wanted['shared_buffers']}') as buffers,
              pg_size_bytes(current_setting('max_wal_size')) = pg_size_bytes('${wanted['max_wal_size']}') as log`,
    );
    await stop();

    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
      jit: 'off',
      checkpoint_timeout: '15min',
      wal_buffers: '16MB',
      ...Object.fromEntries(DURABLE.map((name) => [name, 'on'])),
    });
    expect(sizes).toEqual({ buffers: true, log: true });
  });
});
