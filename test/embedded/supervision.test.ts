import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { supervise } from '../../src/embedded/supervise.ts';
import { dataDirectory } from '../support/child.ts';
import { query } from '../support/databases.ts';
import { untilSo } from '../support/until.ts';

/** The embedded Postgres ends in ways nobody asked for: the service is not left behind without it. */

const told = () => {
  const said: string[] = [];
  return {
    said,
    onTrouble: {
      down: (why: string) => void said.push(`down: ${why}`),
      up: () => void said.push('up'),
      givenUp: (error: unknown) => void said.push(`given up: ${String(error)}`),
    },
  };
};

test('a Postgres that is killed is started again, each time, with its data and at the same URL', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'supervised-'));
  chmodSync(dataDir, 0o755);
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const { said, onTrouble } = told();
  const postgres = await startEmbeddedPostgres({ dataDir, onTrouble });
  onTestFinished(() => postgres.stop());
  const ups = () => said.filter((one) => one === 'up').length;
  await query(postgres.ownerUrl, 'create table kept as select 42 as answer');

  for (const time of [1, 2]) {
    process.kill(findPostmaster(join(dataDir, 'postgres'))!.pid, 'SIGKILL');
    await untilSo('it is up again', () => ups() === time);
    expect(await query(postgres.ownerUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
  }
  await postgres.stop();
  expect(findPostmaster(join(dataDir, 'postgres'))).toBeUndefined();
  expect(said.filter((one) => one.startsWith('given up'))).toEqual([]);
});

const ask = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"customerId":"ada"}',
};

describe('a service on its own Postgres', () => {
  const directory = dataDirectory();
  afterAll(directory.remove);

  test('answers again after Postgres was killed, and ends non-zero when Postgres cannot be started', async () => {
    const service = await directory.start();
    const status = async () => (await fetch(`${service.url}/credit.v1.CreditService/GetBalance`, ask)).status;
    expect(await status()).toBe(200);
    const first = directory.postmaster()!;
    process.kill(first, 'SIGKILL');
    // Sessions may outlive their server for a moment: it is another server that has to answer.
    const another = () => (directory.postmaster() ?? first) !== first;
    await untilSo('it answers', async () => another() && (await status()) === 200);

    appendFileSync(join(directory.path, 'postgres', 'postgresql.conf'), 'no_such_setting = on\n');
    process.kill(directory.postmaster()!, 'SIGKILL');
    expect(await service.ended()).toBe(1);
  });
});

test('what cannot be started is given up after a few attempts', async () => {
  const { said, onTrouble } = told();
  const lease = { ended: Promise.resolve(), release: () => Promise.resolve(true) };
  const { promise: over, resolve } = Promise.withResolvers<void>();
  supervise(lease, () => Promise.reject(new Error('no')), { ...onTrouble, givenUp: () => resolve() });
  await over;

  expect(said.filter((one) => one === 'down: Error: no')).toHaveLength(5);
});
