import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';

/** After kill -9 Postgres leaves two files with its pid: postmaster.pid, and the lock beside its socket. */
test('starts although the pid in the lock of its socket belongs to another process by now', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
  chmodSync(dataDir, 0o755);
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const settings = { fsync: 'off' };
  const first = await startEmbeddedPostgres({ dataDir, settings });
  const { pid, socketDir } = findPostmaster(join(dataDir, 'postgres'))!;
  const lock = join(socketDir, '.s.PGSQL.5432.lock');
  const left = readFileSync(lock, 'utf8');
  const stranger = spawn('sleep', ['60']);
  onTestFinished(() => void stranger.kill('SIGKILL'));
  process.kill(pid, 'SIGKILL');
  await first.stop();
  writeFileSync(lock, left.replace(String(pid), String(stranger.pid)), { mode: 0o600 });
  onTestFinished(() => rmSync(socketDir, { recursive: true, force: true }));

  const second = await startEmbeddedPostgres({ dataDir, settings });
  await second.stop();
  expect(second.url).toBe(first.url);
});
