import { afterAll, expect, test } from 'vitest';
import { audit } from '../support/audit.ts';
import { callerOf } from '../support/caller.ts';
import { startInstance } from '../support/faults/instances.ts';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testService } from '../support/service.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** An instance is frozen in the middle of a transaction, as by a machine that is moved: it keeps nobody else waiting for long. */

const { url } = await testDatabase();
const frozen = await startInstance(url);
const other = await testService(url);
const sql = await openSql(url);
afterAll(async () => {
  await frozen.close();
  await other.stop();
  await sql.end();
});

const strangers = ['bob', 'cyd', 'dan'];
const spend = (customerId: string, idempotencyKey: string) =>
  spendRequest({ customerId, amount: '1', idempotencyKey });

test('one frozen between lock and commit lets go of the book, and the rest never waits', async () => {
  for (const customerId of ['ada', ...strangers]) {
    await callerOf(other).answer('CreateGrant', grantRequest({ customerId }));
  }
  const locked = frozen.database.answerTo('lock_books');
  const asked = callerOf(frozen).result('ConsumeCredits', spend('ada', 'frozen'));
  const standing = await locked;
  frozen.signal('SIGSTOP');

  // Whoever needs the book is told so; everybody else is not kept.
  const first = callerOf(other).result('ConsumeCredits', spend('ada', 'other'));
  for (const round of ['1', '2', '3']) {
    for (const customerId of strangers) {
      await callerOf(other).answer('ConsumeCredits', spend(customerId, round));
    }
  }
  const inTransaction = `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`;
  // The other instance may just be finding out that the book is locked, in a transaction, too.
  expect(await sql.rows(inTransaction)).not.toEqual([]);
  expect(await first).toMatchObject({ ok: false, error: { reason: 'CONFLICT' } });

  // Until Postgres ends the transaction of whoever says nothing any more.
  await untilSo('the book is free', async () => {
    const result = await callerOf(other).result('ConsumeCredits', spend('ada', 'other'));
    return result.ok;
  });
  expect(await sql.rows(inTransaction)).toHaveLength(0);
  standing.goOn();
  frozen.signal('SIGCONT');

  expect(await asked).toMatchObject({ ok: false, error: { reason: 'DATABASE_UNAVAILABLE' } });
  const repeated = await callerOf(frozen).answer('ConsumeCredits', spend('ada', 'frozen'));
  expect(repeated).toMatchObject({ version: '3', balance: { settled: '98' } });
  expect(await audit(sql)).toEqual([]);
});
