import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { linkLibraries } from '../../src/embedded/binaries.ts';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { candidates } from '../../src/embedded/run-as.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { query, withUser } from '../support/databases.ts';

const startModule = new URL('../../src/embedded/start.ts', import.meta.url).href;

function temporaryDirectory(cleanUp: (remove: () => void) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-'));
  // nobody has to be able to enter it
  chmodSync(directory, 0o755);
  cleanUp(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Started for one test, and stopped with it. */
async function started(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } });
  onTestFinished(() => postgres.stop());
  return postgres;
}

// One cluster for all of these: making one takes most of a second.
describe('the embedded Postgres', () => {
  const dataDir = temporaryDirectory(afterAll);
  const pgdata = join(dataDir, 'postgres');
  const pidFile = join(pgdata, 'postmaster.pid');

  test('is made and started, for a role that revoked privileges bind', async () => {
    const { url, ownerUrl } = await started(dataDir);
    await query(ownerUrl, 'create table kept as select 42 as answer');

    for (const role of [url, ownerUrl]) {
      expect(await query(role, 'select rolsuper from pg_roles where rolname = current_user')).toEqual([
        { rolsuper: false },
      ]);
    }
  });

  test('keeps its password where only its owner can read it, and lets nobody in without', async () => {
    const { url } = await started(dataDir);
    const password = readFileSync(join(pgdata, 'password'), 'utf8');

    expect(password).toMatch(/^[0-9a-f]{48}$/);
    expect(statSync(join(pgdata, 'password')).mode & 0o777).toBe(0o600);
    for (const user of ['credit_ledger', 'credit_ledger_owner', 'postgres']) {
      await expect(query(withUser(url, user, 'wrong'), 'select 1')).rejects.toThrow(
        'password authentication failed',
      );
    }
  });

  test('sorts and cases text alike on every machine', async () => {
    const { url } = await started(dataDir);

    expect(
      await query(
        url,
        'select datlocprovider, datlocale from pg_database where datname = current_database()',
      ),
    ).toEqual([{ datlocprovider: 'b', datlocale: 'C.UTF-8' }]);
  });

  test('has its data again after a restart', async () => {
    const { ownerUrl } = await started(dataDir);

    expect(await query(ownerUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('is gone when it was stopped', async () => {
    const postgres = await startEmbeddedPostgres({ dataDir });
    await postgres.stop();

    expect(findPostmaster(pgdata)).toBeUndefined();
    await expect(query(postgres.url, 'select 1')).rejects.toThrow(/ENOENT/);
  });

  test('recovers from kill -9 without help', async () => {
    const before = await startEmbeddedPostgres({ dataDir });
    await query(before.ownerUrl, 'create table committed_before_the_crash ()');
    process.kill(findPostmaster(pgdata)?.pid ?? 0, 'SIGKILL');

    const { url, ownerUrl } = await started(dataDir);
    expect(await query(ownerUrl, 'select from committed_before_the_crash')).toEqual([]);
    await before.stop();
    expect(await query(url, 'select 1 as still_running')).toEqual([{ still_running: 1 }]);
  });

  test('starts although the pid it left at a crash belongs to another process by now', async () => {
    await (await startEmbeddedPostgres({ dataDir })).stop();
    writeFileSync(pidFile, `${process.pid}\n${pgdata}\n1\n5432\n/tmp\n\n  1  1\nready\n`);

    const { url } = await started(dataDir);
    expect(await query(url, 'select 1 as ok')).toEqual([{ ok: 1 }]);
  });

  test('is joined when the process that started it was killed, and then stops with the one that joined', async () => {
    const killed = `import { startEmbeddedPostgres } from '${startModule}';
      await startEmbeddedPostgres({ dataDir: '${dataDir}' });
      process.kill(process.pid, 'SIGKILL');`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', killed]).catch(() => undefined);
    const left = findPostmaster(pgdata);

    const postgres = await startEmbeddedPostgres({ dataDir });
    const joined = findPostmaster(pgdata);
    await postgres.stop();

    expect(left?.pid).toBeGreaterThan(0);
    expect(joined?.pid).toBe(left?.pid);
    expect(findPostmaster(pgdata)).toBeUndefined();
  });

  test('runs until the last of several instances stops', async () => {
    const [first, second] = await Promise.all([
      startEmbeddedPostgres({ dataDir }),
      startEmbeddedPostgres({ dataDir }),
    ]);

    await first.stop();
    expect(await query(second.url, 'select 1 as ok')).toEqual([{ ok: 1 }]);
    await second.stop();
    expect(findPostmaster(pgdata)).toBeUndefined();
  });

  test('is out of reach of the Ctrl-C that ends the service: it has a process group of its own', async () => {
    await started(dataDir);
    const pid = findPostmaster(pgdata)?.pid;
    const [, group] = /\) \w \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];

    expect(Number(group)).toBe(pid);
  });

  test('refuses settings that Postgres refuses, in the words of Postgres', async () => {
    await expect(startEmbeddedPostgres({ dataDir, settings: { work_mem: 'plenty' } })).rejects.toThrow(
      /Postgres did not start:\n.*work_mem.*plenty/,
    );
  });

  test('refuses the files of another major version', async () => {
    const version = readFileSync(join(pgdata, 'PG_VERSION'));
    onTestFinished(() => writeFileSync(join(pgdata, 'PG_VERSION'), version));
    writeFileSync(join(pgdata, 'PG_VERSION'), '9\n');

    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
      /made by Postgres 9, but Postgres \d+ is/,
    );
  });

  test.runIf(process.getuid?.() === 0)('follows the owner of its files when root starts it', async () => {
    execFileSync('chown', ['-R', '65534:65534', pgdata]);

    await started(dataDir);
    expect(statSync(`/proc/${findPostmaster(pgdata)?.pid}`).uid).toBe(65534);
  });
});

test('two processes that start at once on an empty directory share one cluster', async () => {
  const dataDir = temporaryDirectory(onTestFinished);
  const [one, other] = await Promise.all([started(dataDir), started(dataDir)]);

  expect(one.url).toBe(other.url);
});

test('a path too long for a socket, with spaces and quotes in it, is as good as any', async () => {
  const dataDir = join(temporaryDirectory(onTestFinished), `it's a "deep" $HOME ${'x'.repeat(120)}`);

  const { url } = await started(dataDir);
  expect(await query(url, 'select 1 as ok')).toEqual([{ ok: 1 }]);
});

describe('whom Postgres runs as', () => {
  const namespace = { prefix: expect.arrayContaining(['unshare']) };
  const itself = { prefix: [] };
  const nobody = { prefix: [], uid: 65534, gid: 65534 };

  test.each([
    { uid: 1000, owner: undefined, expected: [itself, namespace] },
    { uid: 1000, owner: { uid: 1000, gid: 1000 }, expected: [itself, namespace] },
    { uid: 0, owner: undefined, expected: [namespace, nobody] },
    { uid: 0, owner: { uid: 0, gid: 0 }, expected: [namespace] },
    { uid: 0, owner: { uid: 70, gid: 71 }, expected: [{ prefix: [], uid: 70, gid: 71 }] },
  ])('user $uid, files of $owner.uid', ({ uid, owner, expected }) => {
    expect(candidates(owner, uid)).toEqual(expected);
  });

  test('a user who does not own the files is told who does', () => {
    expect(() => candidates({ uid: 70, gid: 70 }, 1000)).toThrow('belongs to user 70, this is user 1000');
  });
});

test('library links that npm left out are made, and those that exist are left alone', () => {
  const root = temporaryDirectory(onTestFinished);
  mkdirSync(join(root, 'native/lib'), { recursive: true });
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(root, 'native/pg-symlinks.json'), JSON.stringify(links));

  linkLibraries(root);
  linkLibraries(root);

  expect(readlinkSync(join(root, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18');
});
