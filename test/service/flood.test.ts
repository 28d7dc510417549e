import { describe, expect, onTestFinished, test } from 'vitest';
import { call } from '../support/service.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { openSql } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';
import { untilSomebodyWaits } from '../support/lock-waits.ts';

/** A batch that would not be done by its deadline is refused whole, at once, and before its items are looked at. */

// A thousand items are a thousand transactions here, one after the other: no machine does them in half a second behind
// one that is stuck.
const { url, caller, databaseUrl, time } = await testWorld({ lanes: 1, batchSize: 1 });
const ITEMS = 1_000;
const PATIENCE = { 'connect-timeout-ms': '500' };

/** One write of this instance that waits for a lock, until the test is over. */
async function stuck(): Promise<void> {
  const session = await openSql(databaseUrl);
  await session.rows('begin');
  await session.rows('lock table books in exclusive mode');
  const spend = caller.result('ConsumeCredits', spendRequest({ customerId: 'stuck' }));
  await untilSomebodyWaits(databaseUrl);
  onTestFinished(async () => {
    await session.rows('rollback');
    await session.end();
    await spend;
  });
}

describe.each([
  ['BatchConsumeCredits', () => spendRequest({ customerId: 'many' })],
  ['BatchCreateGrants', () => grantRequest({ customerId: 'many' })],
])('%s', (rpc, item) => {
  test('is refused as a whole by a queue that has no time for it', async () => {
    // Each takes its time.
    for (let i = 0; i < 5; i++)
      await time.until(caller.answer('CreateGrant', grantRequest({ customerId: 'stuck' })));
    await stuck();
    // The first item is not valid, and nobody gets to see it.
    const requests = [{}, ...Array.from({ length: ITEMS - 1 }, item)];
    const outcome = await call(url, `credit.v1.CreditService/${rpc}`, { requests }, PATIENCE);

    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', metadata: { limit: '0' } },
    });
  });
});
