import { describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { waitUntil } from '../../src/db/clock.ts';
import { failureOf } from '../rpc/clients.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { openSql } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/** A database that is there, but cannot do it now, is told by its right name, and nothing is written. */

const { databaseUrl, sql, another } = await testWorld();
const { createGrant, consumeCredits, getBalance, listGrants, explainBalance } = CreditService.method;

const LONG_MS = 60_000;
const grant = { customerId: 'ada', name: 'a grant', currency: 'USD', amount: '100' };
const spend = { customerId: 'ada', currency: 'USD', amount: '10' };

async function callsOf(options: Parameters<typeof another>[0]) {
  const instance = await another({ poolSize: 4, keptFacts: 0, ...options });
  const client = grpcCaller(instance.url);
  return {
    read: () => client.call(getBalance, { customerId: 'ada' }),
    list: () => client.call(listGrants, { customerId: 'ada' }),
    explain: () => client.call(explainBalance, { customerId: 'ada', currency: 'USD' }),
    write: () => client.call(consumeCredits, spend),
    grant: (customerId = 'ada') => client.call(createGrant, { ...grant, customerId }),
    close: () => client.close(),
  };
}

const versions = () => sql.rows('select version from books');

/** Somebody holds the books, or another table, while `work` goes on. */
async function whileHeld<T>(work: () => Promise<T>, table = 'books'): Promise<T> {
  const holder = await openSql(databaseUrl);
  await holder.rows('begin');
  await holder.rows(`lock table ${table} in access exclusive mode`);
  try {
    return await work();
  } finally {
    await holder.rows('rollback');
    await holder.end();
  }
}

/** Resolves when so many sessions of the service wait for a lock. */
async function waiting(sessions: number): Promise<void> {
  const text = `select 1 from pg_stat_activity
    where datname = current_database() and application_name = 'credit-ledger' and wait_event_type = 'Lock'`;
  const isSo = async () => ((await sql.rows(text)).length >= sessions ? true : undefined);
  await waitUntil(isSo, { timeoutMs: 10_000, everyMs: 10 });
}

const conflict = { code: 'ABORTED', reason: 'CONFLICT', metadata: {}, retryMs: 50 };
const tooSlow = { code: 'DEADLINE_EXCEEDED', reason: 'TOO_SLOW', metadata: {} };

describe('a lock that somebody holds for too long', () => {
  test('is a CONFLICT to reads and writes, to be tried again', async () => {
    const calls = await callsOf({ limits: { lockTimeoutMs: 20, statementTimeoutMs: LONG_MS } });
    await calls.grant();
    const before = await versions();

    const [read, write] = await whileHeld(() =>
      Promise.all([failureOf(calls.read()), failureOf(calls.write())]),
    );

    expect(read).toMatchObject(conflict);
    expect(write).toMatchObject(conflict);
    expect(await versions()).toEqual(before);
    expect((await calls.write()).balance).toMatchObject({ settled: '90' });
    calls.close();
  });
});

describe('a statement that runs into its time limit', () => {
  test('is TOO_SLOW to reads and writes, and the next one is not', async () => {
    const calls = await callsOf({ limits: { lockTimeoutMs: LONG_MS, statementTimeoutMs: 500 } });
    await calls.grant();
    const before = await versions();
    await sql.rows('alter table books rename to books_at_once');
    await sql.rows('create view books as select * from books_at_once where pg_sleep(60) is not null');
    await sql.rows('grant all on books to public');

    const [read, write] = await Promise.all([failureOf(calls.read()), failureOf(calls.write())]);

    await sql.rows('drop view books');
    await sql.rows('alter table books_at_once rename to books');
    expect(read).toMatchObject(tooSlow);
    expect(write).toMatchObject(tooSlow);
    expect([read, write]).not.toContainEqual(
      expect.objectContaining({ retryMs: expect.anything() as number }),
    );
    expect(await versions()).toEqual(before);
    await calls.write();
    calls.close();
  });
});

describe('a pool whose connections are all in use', () => {
  const limits = { lockTimeoutMs: LONG_MS, statementTimeoutMs: LONG_MS, connectTimeoutMs: 3_000 };

  test('is OVERLOADED to whoever gets none, and names how many there are', async () => {
    const calls = await callsOf({ limits });
    await calls.grant();
    const before = await versions();

    const [held, refused] = await whileHeld(async () => {
      const both = [calls.read(), calls.list()];
      await waiting(2);
      return [both, await failureOf(calls.explain())] as const;
    });

    expect(refused).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
      metadata: { limit: '2' },
      retryMs: 250,
    });
    expect(await Promise.all(held)).toHaveLength(2);
    expect(await versions()).toEqual(before);
    calls.close();
  });

  test('keeps no write waiting where they are those of questions, however many come', async () => {
    const calls = await callsOf({ limits });
    await calls.grant();

    // Lists of grants look at it, and no spend.
    const { lists, balance } = await whileHeld(async () => {
      const asked = Array.from({ length: 30 }, () => calls.list().catch(() => 'refused'));
      await waiting(2);
      const written = await calls.grant('bob');
      return { lists: asked, balance: written.balance };
    }, 'former_terms');

    expect(balance).toMatchObject({ settled: '100' });
    expect(await Promise.all(lists)).toHaveLength(30);
    calls.close();
  });
});
