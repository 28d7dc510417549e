import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { audit } from '../support/audit.ts';
import { callerOf } from '../support/caller.ts';
import { startDatabaseRelay, type DatabaseRelay } from '../support/database-relay.ts';
import { neighbour } from '../support/neighbours.ts';
import type { Held } from '../support/relay.ts';
import { spendRequest } from '../support/requests.ts';
import { testService, type CallResult, type Json } from '../support/service.ts';
import { stateOf } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';
import { fundedBy, replayOf, WRITES } from '../write/repeating.ts';

/**
 * A connection is lost around a commit: whether it has happened nobody can know, and that is what the caller is told. The
 * same request with the same key settles it.
 */

const { caller, sql, time, databaseUrl } = await testWorld();
const relay = await startDatabaseRelay(databaseUrl);
const service = await testService(relay.databaseUrl, { clock: time.clock, staleAfterMs: 2 ** 50 });
const relayed = callerOf(service);
afterAll(async () => {
  await service.stop();
  await relay.close();
});

/** Where the connection is lost, and whether the commit has happened then. */
const LOSSES: readonly [
  where: string,
  standing: (relay: DatabaseRelay) => Promise<Held>,
  happened: boolean,
][] = [
  ['before it is passed on', (at) => at.before('commit'), false],
  ['before its answer is', (at) => at.answerTo('commit'), true],
];

/** What the calls are told when the connection that commits them is lost there. */
async function lost(
  standing: (relay: DatabaseRelay) => Promise<Held>,
  asking: () => Promise<CallResult>,
): Promise<readonly (string | undefined)[]> {
  const place = standing(relay);
  const asked = asking();
  (await place).cut();
  const result = await asked;
  if (!result.ok) return [result.error.reason];
  return (result.answer['results'] as Json[]).map(({ error }) => error?.reason as string | undefined);
}

/** Postgres hears of a lost connection a moment later than we do; until then it holds the locks. */
const untilRolledBack = () =>
  untilSo('nobody is in a transaction', async () => {
    const busy = `select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend'`;
    return (await sql.rows(busy)).length === 0;
  });

const withKey = (rpc: string, request: object) =>
  rpc.startsWith('Batch') ? request : { ...request, idempotencyKey: 'k' };

describe.each(Object.entries(WRITES))('%s, whose commit is lost', (rpc, write) => {
  test.each(LOSSES)('%s: is unknown, and repeated happens once', async (_, standing, happened) => {
    const request = withKey(rpc, write(await fundedBy(caller)));
    const before = await stateOf(sql);

    const told = await lost(standing, () => relayed.result(rpc, request));
    await untilRolledBack();
    const after = await stateOf(sql);
    const repeated = await relayed.answer(rpc, request);

    expect(new Set(told)).toEqual(new Set(['DATABASE_UNAVAILABLE']));
    const end = await stateOf(sql);
    expect([isDeepStrictEqual(after, before), isDeepStrictEqual(end, after)]).toEqual([!happened, happened]);
    const everyItem: readonly Json[] = repeated['results'] ?? [repeated];
    expect(everyItem.map(({ replayed }) => replayed ?? false)).toEqual(everyItem.map(() => happened));
    expect(await caller.answer(rpc, request)).toEqual(replayOf(repeated));
  });
});

describe('an instance that lost a commit', () => {
  test.each(LOSSES)(
    '%s: goes on from what there is, not from what it knew',
    async (_, standing, happened) => {
      const { customerId } = await fundedBy(caller);
      await relayed.answer('ConsumeCredits', spendRequest({ customerId, amount: '10' }));

      await lost(standing, () =>
        relayed.result('ConsumeCredits', spendRequest({ customerId, amount: '20' })),
      );
      const { balance } = await relayed.answer('ConsumeCredits', spendRequest({ customerId, amount: '1' }));

      expect(balance.settled).toBe(happened ? '69' : '89');
      expect((await caller.answer('GetBalance', { customerId }))['balances'][0].settled).toBe(
        balance.settled,
      );
    },
  );
});

describe('a batch of several customers, whose commit is lost', () => {
  test.each(LOSSES)(
    '%s: is unknown to each of them, and repeated happens once',
    async (where, standing, happened) => {
      const customers = [0, 1, 2, 3, 4].map((i) => neighbour(where, i));
      const requests = customers.map((customerId) =>
        spendRequest({ customerId, settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY', idempotencyKey: 'k' }),
      );
      // Their books are made first, in a transaction of its own.
      await caller.answer('BatchConsumeCredits', {
        requests: requests.map((request) => ({ ...request, idempotencyKey: 'first' })),
      });

      const told = await lost(standing, () => relayed.result('BatchConsumeCredits', { requests }));
      const { results } = await relayed.answer('BatchConsumeCredits', { requests });

      expect(told).toEqual(customers.map(() => 'DATABASE_UNAVAILABLE'));
      expect((results as Json[]).map(({ version, replayed }) => [version, replayed ?? false])).toEqual(
        customers.map(() => ['2', happened]),
      );
    },
  );
});

test('what is left behind is sound', async () => {
  expect(await audit(sql)).toEqual([]);
});
