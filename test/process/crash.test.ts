import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { audit } from '../support/audit.ts';
import { callerOf, type Caller } from '../support/caller.ts';
import { dataDirectory, type ServiceProcess } from '../support/child.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { openSql, type Sql } from '../support/sql.ts';

/**
 * kill -9 in the middle of a load: what was acknowledged is there, what was not is there at most once, and repeating
 * every request with its key brings about what the caller meant.
 */

const MINUTES = 60_000;
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

const SPENDS = 600;
const IN_FLIGHT = 24;
/** How many answers are awaited before the process is killed: in the middle, with others under way. */
const BEFORE_THE_KILL = 200;

type Spend = { readonly request: object; readonly customerId: string; readonly key: string };

const spendsOf = (round: string): readonly Spend[] =>
  Array.from({ length: SPENDS }, (_, i) => {
    const customerId = `${round} ${i % 7}`;
    const key = `spend ${i}`;
    return { customerId, key, request: spendRequest({ customerId, amount: '0.25', idempotencyKey: key }) };
  });

/** Sends every spend, some at a time, until one fails to be answered; calls back at each answer. */
async function load(
  caller: Caller,
  spends: readonly Spend[],
  answered: (spend: Spend, answer: Json) => void,
): Promise<void> {
  const left = [...spends];
  const sender = async () => {
    for (let spend = left.shift(); spend !== undefined; spend = left.shift()) {
      const answer = await caller.answer('ConsumeCredits', spend.request).catch(() => undefined);
      // Refused, reset or cut off: whether it was done nobody knows.
      if (answer === undefined) return;
      answered(spend, answer);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** Looks into the database of the running service. */
async function inside<T>(look: (sql: Sql) => Promise<T>): Promise<T> {
  const joined = await startEmbeddedPostgres({ dataDir: directory.path });
  const sql = await openSql(joined.url);
  try {
    return await look(sql);
  } finally {
    await sql.end();
    await joined.stop();
  }
}

const keysWritten = (sql: Sql, round: string) =>
  sql.rows<{ customer_id: string; key: string; times: number }>(
    `select b.customer_id, w.idempotency_key as key, count(*) as times
     from writes w join books b on b.shard = w.shard and b.id = w.book_id
     where b.customer_id like $1 || ' %' and w.method = 'ConsumeCredits' group by 1, 2`,
    [round],
  );

/** Each way to be killed, as what is killed; the next start follows at once. */
const KILLS: Readonly<Record<string, (service: ServiceProcess) => Promise<void>>> = {
  'the service': async (service) => {
    await service.end('SIGKILL');
  },
  'the service and its Postgres': async (service) => {
    process.kill(directory.postmaster()!, 'SIGKILL');
    await service.end('SIGKILL');
  },
};

describe.each(Object.entries(KILLS))('kill -9 of %s in the middle of a load', (round, kill) => {
  const spends = spendsOf(round);
  const customers = [...new Set(spends.map(({ customerId }) => customerId))];
  const acknowledged = new Map<Spend, Json>();
  let service: ServiceProcess;

  beforeAll(async () => {
    service = await directory.start();
    const caller = callerOf(service);
    await Promise.all(
      customers.map((customerId) =>
        caller.answer('CreateGrant', grantRequest({ customerId, amount: '1000' })),
      ),
    );
    let killed: Promise<void> | undefined;
    await load(caller, spends, (spend, answer) => {
      acknowledged.set(spend, answer);
      if (acknowledged.size >= BEFORE_THE_KILL) killed ??= kill(service);
    });
    await killed;
    service = await directory.start();
  }, 2 * MINUTES);
  afterAll(() => service.end('SIGTERM'), MINUTES);

  test('loses nothing that was acknowledged, and does nothing twice', async () => {
    const written = await inside((sql) => keysWritten(sql, round));

    const keys = new Set(written.map(({ customer_id, key }) => `${customer_id} ${key}`));
    expect(written.filter(({ times }) => times > 1)).toEqual([]);
    expect([...acknowledged.keys()].filter((s) => !keys.has(`${s.customerId} ${s.key}`))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(BEFORE_THE_KILL);
    expect(written.length).toBeLessThan(SPENDS);
  });

  test(
    'leaves every request to be repeated: what was acknowledged is answered as then, the rest is done once',
    async () => {
      const repeated = new Map<Spend, Json>();
      await load(callerOf(service), spends, (spend, answer) => repeated.set(spend, answer));

      expect(repeated.size).toBe(SPENDS);
      for (const [spend, answer] of acknowledged) {
        expect(repeated.get(spend)).toEqual({ ...answer, replayed: true });
      }
      const written = await inside((sql) => keysWritten(sql, round));
      expect(written.map(({ times }) => times)).toEqual(spends.map(() => 1));
    },
    MINUTES,
  );

  test('leaves sound books: entries add up, versions have no gaps, hashes chain, projections hold', async () => {
    const settled = await Promise.all(
      customers.map(async (customerId) => {
        const { balances } = await callerOf(service).answer('GetBalance', { customerId });
        return Number(balances[0].settled);
      }),
    );

    const spent = customers.map((customerId) => spends.filter((s) => s.customerId === customerId).length);
    expect(settled).toEqual(spent.map((count) => 1000 - 0.25 * count));
    expect(await inside(audit)).toEqual([]);
  });
});
