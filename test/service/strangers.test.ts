import { afterAll, describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#gen/grpc/health/v1/health_pb.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { spendRequest, grantRequest } from '../support/requests.ts';
import { openSql, type Sql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';

/** Nobody waits for a stranger: what another session does to one table costs those who need it, and nobody else. */

const LONG_MS = 60_000;
const { databaseUrl, sql, another } = await testWorld();
const { listCurrencies, getBalance } = CreditService.method;

/** Another session holds the table while `work` goes on. */
async function whileLocked<T>(table: string, work: () => Promise<T>): Promise<T> {
  const holder: Sql = await openSql(databaseUrl);
  await holder.rows('begin');
  await holder.rows(`lock table ${table} in access exclusive mode`);
  try {
    return await work();
  } finally {
    await holder.end();
  }
}

const waiting = async (): Promise<number> => {
  const text = `select from pg_stat_activity
    where datname = current_database() and application_name = 'credit-ledger' and wait_event_type = 'Lock'`;
  return (await sql.rows(text)).length;
};

async function serviceWith(options: Parameters<typeof another>[0]) {
  const instance = await another(options);
  const client = grpcCaller(instance.url);
  afterAll(() => client.close());
  const health = async () => (await client.call(Health.method.check, {})).status;
  return { ...instance, client, health };
}

describe('the table of books, locked by another session', () => {
  test('is a CONFLICT to who needs a book; other questions are answered, and the health is what it is', async () => {
    const limits = { lockTimeoutMs: 50, statementTimeoutMs: LONG_MS };
    const { client, health, result, answer } = await serviceWith({ limits });
    await answer('CreateGrant', grantRequest());

    const [write, read, elsewhere, status] = await whileLocked('books', async () => [
      await result('ConsumeCredits', spendRequest()),
      await result('GetBalance', { customerId: 'ada' }),
      await client.call(listCurrencies, {}),
      await health(),
    ]);

    expect(write).toMatchObject({ ok: false, error: { reason: 'CONFLICT' } });
    expect(read).toMatchObject({ ok: false, error: { reason: 'CONFLICT' } });
    expect(elsewhere).toMatchObject({ currencies: [] });
    expect(status).toBe(Status.SERVING);
    expect(await answer('ConsumeCredits', spendRequest())).toMatchObject({ balance: { settled: '90' } });
  });
});

describe('questions that wait for a table, more than there are connections', () => {
  test('keep no write waiting, nor the health; each is answered when the table is free', async () => {
    const limits = { lockTimeoutMs: LONG_MS, statementTimeoutMs: LONG_MS, connectTimeoutMs: LONG_MS };
    const { client, health, answer } = await serviceWith({ limits, poolSize: 4 });
    await answer('CreateGrant', grantRequest({ customerId: 'bob' }));
    let answered = 0;

    const [asked, versions] = await whileLocked('currencies', async () => {
      const questions = Array.from({ length: 30 }, () =>
        answer('ListCurrencies', {}).finally(() => (answered += 1)),
      );
      await untilSo('questions wait', async () => (await waiting()) >= 2);
      const written: string[] = [];
      for (let i = 0; i < 5; i += 1) {
        const { version } = await answer('ConsumeCredits', spendRequest({ customerId: 'bob', amount: '1' }));
        written.push(version as string);
      }
      expect(await health()).toBe(Status.SERVING);
      expect(answered).toBe(0);
      return [Promise.all(questions), written] as const;
    });

    expect(versions).toEqual(['2', '3', '4', '5', '6']);
    expect(await asked).toHaveLength(30);
    expect((await client.call(getBalance, { customerId: 'bob' })).balances[0]).toMatchObject({
      settled: '95',
    });
  });
});
