import { expect, onTestFinished, test } from 'vitest';
import { untilSomebodyWaits } from '../support/lock-waits.ts';
import { grantRequest } from '../support/requests.ts';
import { openSql } from '../support/sql.ts';
import { until, untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';

/** A question ends in the database when nobody waits for its answer any more. */

// Left to itself it would wait for as long as the test does.
const { url, caller, databaseUrl, sql } = await testWorld({
  limits: { lockTimeoutMs: 600_000, statementTimeoutMs: 600_000 },
});

test.each([
  ['ListGrants', {}],
  ['GetBalance', { as_of: '2025-01-01T00:00:00Z' }],
])('%s of a caller who has left is canceled', async (rpc, more) => {
  const customer = `left-${rpc.toLowerCase()}`;
  await caller.answer('CreateGrant', grantRequest({ customerId: customer }));
  const session = await openSql(databaseUrl);
  onTestFinished(() => session.end());
  await session.rows('begin');
  await session.rows('lock table books in access exclusive mode');
  const leaving = new AbortController();
  const asked = fetch(`${url}/credit.v1.CreditService/${rpc}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customer_id: customer, ...more }),
    signal: leaving.signal,
  });
  await untilSomebodyWaits(databaseUrl);
  leaving.abort();
  await expect(asked).rejects.toThrow('aborted');

  // The lock is held still: only canceled it waits no longer.
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await untilSo('it is canceled', async () => (await sql.rows(waiting)).length === 0);
  await session.rows('rollback');
  expect(
    await until('others are answered', () => caller.answer(rpc, { customer_id: customer })),
  ).toBeDefined();
});
