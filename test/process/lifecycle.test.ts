import { once } from 'node:events';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../../src/db/clock.ts';
import { callerOf } from '../support/caller.ts';
import { dataDirectory, endOf, spawnService, urlOf } from '../support/child.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { HANGS_AFTER_MS } from '../support/until.ts';

/** How the process starts and stops, as an operator sees it. */

const MINUTES = 60_000;
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

const settledOf = async (url: string, customerId: string) =>
  (await callerOf({ url }).answer('GetBalance', { customerId }))['balances']?.[0]?.settled;

describe('a signal', () => {
  test(
    'stops the service and its Postgres with exit code 0, and the next start has the data',
    async () => {
      const first = await directory.start();
      await callerOf(first).answer('CreateGrant', grantRequest());

      expect(await first.end('SIGTERM')).toBe(0);
      expect(directory.postmaster()).toBeUndefined();
      const second = await directory.start();
      expect(await settledOf(second.url, 'ada')).toBe('100');
      expect(await second.end('SIGINT')).toBe(0);
      expect(directory.postmaster()).toBeUndefined();
    },
    MINUTES,
  );

  test(
    'lets what is under way be finished: every spend is answered or never done',
    async () => {
      const customerId = 'busy';
      const service = await directory.start();
      const caller = callerOf(service);
      await caller.answer('CreateGrant', grantRequest({ customerId, amount: '1000' }));
      let done = 0;
      const spending = Array.from({ length: 200 }, () =>
        caller.result('ConsumeCredits', spendRequest({ customerId, amount: '1' })).then(
          (result) => (done += Number(result.ok)),
          () => undefined,
        ),
      );
      await Promise.race(spending);
      expect(await service.end('SIGTERM')).toBe(0);
      await Promise.all(spending);

      const next = await directory.start();
      expect(done).toBeGreaterThan(0);
      expect(await settledOf(next.url, customerId)).toBe(String(1000 - done));
      await next.end('SIGINT');
    },
    MINUTES,
  );
});

describe('npm start', () => {
  test(
    'is the service: ending npm ends it, and nobody is left who listens or keeps a Postgres',
    async () => {
      const env = { CREDIT_LEDGER_DATA_DIR: directory.path, CREDIT_LEDGER_PORT: '0' };
      const npm = spawnService({ ...env, HOME: directory.path }, ['npm', 'start']);
      const url = await urlOf(npm);
      await callerOf({ url }).answer('GetBalance', { customerId: 'ada' });
      await endOf(npm, 'SIGTERM');

      // npm may be gone a moment before the service, which first answers what is under way.
      const gone = await waitUntil(
        () =>
          fetch(url).then(
            () => undefined,
            () => true as const,
          ),
        { timeoutMs: 20_000 },
      );
      expect(gone).toBe(true);
      const stopped = () => (directory.postmaster() === undefined ? true : undefined);
      expect(await waitUntil(stopped, { timeoutMs: 20_000 })).toBe(true);
    },
    MINUTES,
  );
});

describe('an environment that is not understood', () => {
  test.each<[what: string, env: Record<string, string>, complaint: RegExp]>([
    [
      'an unknown variable',
      { CREDIT_LEDGER_PROT: '1' },
      /CREDIT_LEDGER_PROT .*did you mean CREDIT_LEDGER_PORT/,
    ],
    ['a wrong value', { CREDIT_LEDGER_PORT: 'any' }, /CREDIT_LEDGER_PORT is "any"/],
  ])('stops the start with exit code 2 and says what it is: %s', async (_, env, complaint) => {
    const child = spawnService({ CREDIT_LEDGER_DATA_DIR: directory.path, ...env });
    const said: string[] = [];
    child.stderr!.on('data', (data: Buffer) => said.push(String(data)));
    child.stdout!.resume();
    onTestFinished(async () => {
      await endOf(child, 'SIGKILL');
    });
    await once(child, 'close', { signal: AbortSignal.timeout(HANGS_AFTER_MS) });

    expect(child.exitCode).toBe(2);
    expect(said.join('')).toMatch(complaint);
  });
});
