import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { callerOf } from '../support/caller.ts';
import { dataDirectory } from '../support/child.ts';
import { query } from '../support/databases.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { NO_SMALL_DISK, smallDisk } from '../support/small-disk.ts';
import { untilSo } from '../support/until.ts';

/** The disk of the embedded Postgres runs full: it is told as such, and all goes on once there is room. */

test('Postgres that cannot start for want of room says so, and is started once there is some', async ({
  skip,
}) => {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const disk = smallDisk(path);
  if (disk === null) return skip(NO_SMALL_DISK);
  onTestFinished(() => disk.unmount());
  const said: string[] = [];
  const dataDir = join(path, 'data');
  const postgres = await startEmbeddedPostgres({
    dataDir,
    onTrouble: {
      down: (why) => void said.push(`down: ${why}`),
      up: () => void said.push('up'),
      givenUp: (error) => void said.push(`given up: ${String(error)}`),
    },
  });
  onTestFinished(() => postgres.stop());
  disk.fill();

  process.kill(findPostmaster(join(dataDir, 'postgres'))!.pid, 'SIGKILL');
  await untilSo('the disk is found full', () => said.includes('down: its disk is full: make room'));
  disk.makeRoom();
  await untilSo('it is up again', () => said.includes('up'));
  expect(await query(postgres.url, 'select 1 as ok')).toEqual([{ ok: 1 }]);
});

test('a service refuses writes by their right name, is not ready without Postgres, and goes on by itself', async ({
  skip,
}) => {
  const directory = dataDirectory();
  onTestFinished(directory.remove);
  const disk = smallDisk(directory.path);
  if (disk === null) return skip(NO_SMALL_DISK);
  // Before the directory is removed.
  onTestFinished(() => disk.unmount());
  const service = await directory.start();
  const caller = callerOf(service);
  const spends = (round: number) => ({
    requests: Array.from({ length: 200 }, (_, i) =>
      spendRequest({ customerId: `customer ${i}`, ...CREDIT_ONLY, idempotencyKey: `round ${round}` }),
    ),
  });
  const reasonsOf = async (round: number): Promise<readonly string[]> => {
    const { results } = await caller.answer('BatchConsumeCredits', spends(round));
    return (results as Json[]).map(({ error }) => error?.reason ?? 'done');
  };
  const isReady = async () => (await fetch(`${service.url}/readyz`)).ok;
  expect(new Set(await reasonsOf(0))).toEqual(new Set(['done']));
  disk.fill();

  let full = 0;
  const refused = new Set<string>();
  await untilSo('writes are refused', async () => {
    const reasons = await reasonsOf((full += 1));
    for (const reason of reasons.filter((one) => one !== 'done')) refused.add(reason);
    return refused.size > 0;
  });
  expect(refused).toEqual(new Set(['DATABASE_UNAVAILABLE']));
  expect(await isReady()).toBe(true);
  process.kill(directory.postmaster()!, 'SIGKILL');
  await untilSo('it is not ready', async () => !(await isReady()));
  disk.makeRoom();
  await untilSo('it is ready', isReady);

  expect(new Set(await reasonsOf(full))).toEqual(new Set(['done']));
  const { balances } = await caller.answer('GetBalance', { customerId: 'customer 199' });
  expect(balances[0].settled).toBe(String(-10 * (full + 1)));
  expect(await service.end('SIGTERM')).toBe(0);
});
