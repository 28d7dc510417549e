import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { testClock } from '../support/clock.ts';
import { startDatabaseRelay } from '../support/database-relay.ts';
import { testDatabase } from '../support/postgres.ts';
import { testService } from '../support/service.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** Every connection to the database goes silent and nobody is told so; new ones work. */

const { url } = await testDatabase();
const relay = await startDatabaseRelay(url);
const time = testClock();
const seen: string[] = [];
const service = await testService(relay.databaseUrl, {
  clock: time.clock,
  limits: { silenceMs: 2_000 },
  keptFacts: 0,
  onStatement: ({ name }) => seen.push(name),
});
const { answer, result } = callerOf(service);
const sql = await openSql(url);
afterAll(async () => {
  // Time stands still, and nobody would give up what is silent.
  relay.cut();
  await service.stop();
  await Promise.all([relay.close(), sql.end()]);
});

const ada = { customerId: 'ada' };
const spend = { ...ada, currency: 'USD', amount: '10', idempotencyKey: 'a spend' };
const asked = (name: string) => seen.filter((one) => one === name).length;

test('questions and writes are told within their limit, and the next ones are answered', async () => {
  await answer('CreateGrant', { ...ada, name: 'a grant', currency: 'USD', amount: '100' });
  await answer('GetBalance', ada);
  const [reads, writes] = [asked('locate_books_now'), asked('lock_books')];
  relay.silence('existing');
  // No deadlines: nobody but the service itself sets an end to the waiting.
  const calls = Promise.all([result('ConsumeCredits', spend), result('GetBalance', ada)]);
  await untilSo('both are asked', () => asked('lock_books') > writes && asked('locate_books_now') > reads);
  const began = time.clock.monotonic();
  const outcomes = await time.until(calls, async () => {
    time.pass(100);
    await pause(1);
  });

  const unavailable = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' };
  expect(outcomes).toMatchObject([
    { ok: false, error: unavailable },
    { ok: false, error: unavailable },
  ]);
  expect(time.clock.monotonic() - began).toBeLessThan(15_000);
  // Not a millisecond passes any more.
  expect(await answer('ConsumeCredits', spend)).toMatchObject({ balance: { settled: '90' } });
  expect(await answer('ConsumeCredits', spend)).toMatchObject({ replayed: true });
  expect(await answer('GetBalance', ada)).toMatchObject({ balances: [{ settled: '90' }] });
  expect(await sql.rows('select count(*) from writes')).toEqual([{ count: 2 }]);
});
