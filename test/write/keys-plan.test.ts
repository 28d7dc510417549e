import { beforeAll, describe, expect, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import { rememberedUnder } from '../../src/tables/remembered.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** Whether a key was used costs a few probes, however many keys a customer has used. */

const { caller, sql } = await testWorld();
const KEY = { namespace: 'default', customerId: 'ada' };
const USED = 20_000;

// A real spend, and its write again and again, each under a key of its own, and as many keys that no write tells of.
beforeAll(async () => {
  await caller.answer('ConsumeCredits', spendRequest({ ...CREDIT_ONLY, idempotencyKey: 'k' }));
  await sql.rows('alter table writes set (autovacuum_enabled = false)');
  await sql.rows('alter table idempotency set (autovacuum_enabled = false)');
  await sql.rows(
    `insert into writes (shard, book_id, version, recorded_at, method, feed_position, idempotency_key, request, answer)
     select shard, book_id, v, recorded_at, method, feed_position, 'k' || v, request, answer
     from generate_series(2, ${USED}) v, writes`,
  );
  await sql.rows(
    `insert into idempotency (shard, book_id, key, method, request, answer, recorded_at)
     select shard, book_id, 'untold ' || v, method, request, answer, recorded_at
     from generate_series(2, ${USED}) v, writes where version = 1`,
  );
});

describe.each(['without statistics', 'with statistics'])('%s', (statistics) => {
  beforeAll(async () => {
    if (statistics === 'with statistics') await sql.rows('analyze writes, idempotency, books');
  });

  describe.each<Planning>(['custom', 'generic'])('planned %s', (planning) => {
    test.each(['k2', `k${USED}`, 'untold 7', 'nobody’s'])('"%s" is looked up by the key', async (key) => {
      const explained = explaining(sql, planning);
      // Parameters in binary, as they are sent, cannot be shown to explain: the same in text.
      const [shard, ...named] = [shardOf(KEY), KEY.namespace, KEY.customerId];
      const params = [[shard], ...named.map((name) => [name]), shard, [key]];
      await rememberedUnder({ run: (statement) => explained.run(statement, params) }, KEY, key);
      const [plan] = explained.plans;

      // The book, and two probes of indexes three pages deep, with a row.
      expect(plan!.pages).toBeLessThan(16);
    });
  });
});

test('"k2" is found among the writes, "untold 7" beside them', async () => {
  const run = <Row>({ text }: { text: string }, params: readonly unknown[] = []) =>
    sql.rows<Row>(text, params);
  const find = (key: string) => rememberedUnder({ run }, KEY, key);

  expect((await find('k2'))?.method).toBe('ConsumeCredits');
  expect((await find('untold 7'))?.method).toBe('ConsumeCredits');
  expect(await find('nobody’s')).toBeUndefined();
});
