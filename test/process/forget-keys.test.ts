import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { endOf, spawnService } from '../support/child.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { HANGS_AFTER_MS, untilSo } from '../support/until.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** `npm run forget-keys`, as an operator runs it. */

type Line = { readonly level: string; readonly msg: string; readonly forgotten?: number };

const { caller, sql, time, url, databaseUrl, ownerUrl } = await testWorld();
const CUSTOMERS = 30;
const KEYS = 20;

beforeAll(async () => {
  time.now = Date.UTC(2020, 0, 1);
  for (let c = 0; c < CUSTOMERS; c += 1) {
    await caller.answer('BatchConsumeCredits', {
      requests: Array.from({ length: KEYS }, (_, i) => ({
        ...spendRequest({ ...CREDIT_ONLY, customerId: `customer ${c}` }),
        idempotencyKey: `key ${i}`,
      })),
    });
  }
});

function started(...args: readonly string[]) {
  const env = { DATABASE_URL: databaseUrl, CREDIT_LEDGER_MIGRATE_URL: ownerUrl };
  const child = spawnService(env, [process.execPath, 'src/forget-keys.ts', ...args]);
  onTestFinished(async () => {
    await endOf(child, 'SIGKILL');
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  return { child, lines };
}

async function run(...args: readonly string[]) {
  const { child, lines } = started(...args);
  await once(child, 'close', { signal: AbortSignal.timeout(HANGS_AFTER_MS) });
  return { code: child.exitCode, last: lines.at(-1)! };
}

const remembered = async (): Promise<number> => {
  const [row] = await sql.rows<{ count: number }>('select count(*) from writes where request is not null');
  return row!.count;
};
const findings = async () => (await verified(url, {})).findings.map(({ message }) => message);
const mayUpdate = async () =>
  (await sql.rows(`select has_table_privilege('writes', 'update') as may`))[0]!['may'] as boolean;

const BEFORE = '2020-01-02T00:00:00Z';

test('killed in the middle it leaves sound books, and the next run does the rest', async () => {
  const { child, lines } = started('--older-than', BEFORE, '--batch', '1');
  await untilSo('it has begun', () => lines.some(({ forgotten = 0 }) => forgotten > 0));
  await endOf(child, 'SIGKILL');
  const left = await remembered();

  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(CUSTOMERS * KEYS);
  expect(await findings()).toEqual([]);
  expect(await run('--older-than', BEFORE)).toMatchObject({
    code: 0,
    last: { msg: 'the keys are forgotten', forgotten: left },
  });
  expect(await remembered()).toBe(0);
  expect(await findings()).toEqual([]);
  expect(await mayUpdate()).toBe(false);
});

describe('nothing is forgotten', () => {
  test.each([
    { args: [], says: /--older-than is to be an instant in UTC.*npm run forget-keys/ },
    { args: ['--older-than', 'yesterday'], says: /--older-than is to be an instant/ },
    { args: ['--older-than', '2020-02-30'], says: /--older-than is to be an instant/ },
    { args: ['--older-than', BEFORE, '--batch', '0'], says: /--batch is to be from 1 to 10000/ },
    { args: ['--older-then', BEFORE], says: /Unknown option '--older-then'/ },
    {
      args: ['--older-than', new Date().toISOString().replace(/\..*/, 'Z')],
      says: /a day ago.*written twice/,
    },
  ])('by $args', async ({ args, says }) => {
    const { code, last } = await run(...args);

    expect(code).toBe(1);
    expect(last.msg).toMatch(says);
  });

  test('by a second one at the same time', async () => {
    await sql.rows('begin');
    await sql.rows('select pg_advisory_xact_lock(848402)');
    const { code, last } = await run('--older-than', BEFORE);
    await sql.rows('rollback');

    expect(code).toBe(1);
    expect(last.msg).toMatch(/somebody else is forgetting keys/);
  });

  test('by the service’s role', async () => {
    const child = spawnService({ DATABASE_URL: databaseUrl }, [
      process.execPath,
      'src/forget-keys.ts',
      '--older-than',
      BEFORE,
    ]);
    const lines: Line[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as Line));
    await once(child, 'close', { signal: AbortSignal.timeout(HANGS_AFTER_MS) });

    expect(child.exitCode).toBe(1);
    expect(lines.at(-1)!.msg).toMatch(/nothing is forgotten: .*CREDIT_LEDGER_MIGRATE_URL/);
  });
});
