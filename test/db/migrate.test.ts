import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { refuseOlderThanOldest } from '../../src/db/postgres-version.ts';
import { testDatabase } from '../support/postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
afterAll(() => rmSync(folder, { recursive: true }));

function migrationFile(name: string, sql: string, into = folder): void {
  const body = `import type {} from 'knex';
export async function up(trx: { raw(sql: string): Promise<unknown> }) { await trx.raw(${JSON.stringify(sql)}); }
`;
  writeFileSync(join(into, name), body);
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'migrations-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describe('migrate', async () => {
  const { url } = await testDatabase('empty');
  beforeAll(() => {
    migrationFile('20260101000000_first.ts', 'create table first (id int)');
    migrationFile('20260102000000_second.ts', 'create table second (id int)');
  });

  test('runs what is new, in the order of the timestamps, when several instances start at once', async () => {
    const ran = await Promise.all([1, 2, 3].map(() => migrate({ url, folder })));
    const client = await connected(url);

    expect(ran.flat()).toEqual(['20260101000000_first.ts', '20260102000000_second.ts']);
    expect((await client.query('select from first, second')).rowCount).toBe(0);
  });

  test('runs nothing when there is nothing new', async () => {
    expect(await migrate({ url, folder })).toEqual([]);
  });

  test('keeps nothing of a migration that fails, and names it', async () => {
    const broken = temporaryFolder();
    migrationFile('20260101000000_first.ts', '', broken);
    migrationFile('20260102000000_second.ts', '', broken);
    migrationFile('20260103000000_half.ts', 'create table half (id int); select 1/0', broken);

    await expect(migrate({ url, folder: broken })).rejects.toThrow(
      /Migration 20260103000000_half.ts failed: .*division by zero/,
    );
    const client = await connected(url);
    expect((await client.query(`select to_regclass('half') as half`)).rows).toEqual([{ half: null }]);
  });

  test('goes on after a process was killed while migrating', async () => {
    // Given Knex' flag as a killed process leaves it
    const client = await connected(url);
    await client.query('update knex_migrations_lock set is_locked = 1');

    migrationFile('20260104000000_third.ts', 'create table third (id int)');
    expect(await migrate({ url, folder })).toEqual(['20260104000000_third.ts']);
  });

  test('waits no longer than it is told for another instance, and says where to look', async () => {
    const other = await connected(url);
    await other.query('begin');
    await other.query('select pg_advisory_xact_lock(848401)');

    await expect(migrate({ url, folder, lockTimeoutMs: 50 })).rejects.toThrow(
      /more than 50 ms.*pg_stat_activity/,
    );
  });

  test('refuses a schema of a newer release', async () => {
    const older = temporaryFolder();
    migrationFile('20260101000000_first.ts', '', older);

    await expect(migrate({ url, folder: older })).rejects.toThrow(
      /newer release, with 20260102000000_second.ts/,
    );
  });

  test('refuses a folder without migrations: it would answer "all done" to an incomplete installation', async () => {
    await expect(migrate({ url, folder: temporaryFolder() })).rejects.toThrow('There are no migrations in');
  });

  test('refuses a file whose name has no timestamp', async () => {
    const odd = temporaryFolder();
    migrationFile('first.ts', '', odd);

    await expect(migrate({ url, folder: odd })).rejects.toThrow(/first.ts is not named <yyyymmddhhmmss>_/);
  });
});

describe('the version of Postgres', () => {
  test.each([150_000, 150_004, 180_004])('%i is accepted', (version) => {
    expect(() => refuseOlderThanOldest(version)).not.toThrow();
  });

  test.each([96_024, 130_011, 149_999])('%i is refused', (version) => {
    expect(() => refuseOlderThanOldest(version)).toThrow(/Postgres \d+, but Postgres 15 or newer is needed/);
  });
});
