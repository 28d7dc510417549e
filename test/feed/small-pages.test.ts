import { afterAll, expect, test } from 'vitest';
import { connect } from '../../src/db/database.ts';
import type { FeedPlace } from '../../src/feed/feed-cursor.ts';
import { readFeedPage, readTails } from '../../src/feed/feed-rows.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { neighbour } from '../support/neighbours.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** A feed read in pages that are shorter than what stands at one position: every transaction once, in order. */

const { caller, databaseUrl, sql } = await testWorld();
const database = connect({ url: databaseUrl, poolSize: 1 });
afterAll(() => database.close());

const CUSTOMERS = [0, 1, 2].map((i) => neighbour('ada', i));
const shard = shardOf({ namespace: 'default', customerId: 'ada' });

async function pagesOf(limit: number): Promise<readonly string[]> {
  const [tail] = await readTails(database, [shard]);
  const horizon = tail!.last + 1;
  const told: string[] = [];
  let from: FeedPlace = { position: 0, inside: null };
  // More pages than there are transactions would lead nowhere.
  for (let page = 0; page < 60 && (from.position !== horizon || from.inside !== null); page += 1) {
    const { items, next } = await readFeedPage(database, {
      shard,
      namespace: 'default',
      from,
      end: horizon,
      limit,
    });
    told.push(...items.map(({ transaction }) => transaction.id));
    from = next;
  }
  expect(from).toEqual({ position: horizon, inside: null });
  return told;
}

test('a batch is told whole, however many of its writes a page looks at', async () => {
  for (const customerId of CUSTOMERS) await caller.answer('CreateGrant', grantRequest({ customerId }));
  const requests = [0, 1, 2, 3].flatMap(() => CUSTOMERS.map((customerId) => spendRequest({ customerId })));
  await caller.answer('BatchConsumeCredits', { requests });
  await caller.answer('CreateGrant', grantRequest({ customerId: CUSTOMERS[2]!, namespace: 'another' }));
  await caller.answer('ConsumeCredits', spendRequest({ customerId: CUSTOMERS[1]! }));
  const positions = await sql.rows<{ writes: number }>(
    'select count(*) as writes from writes where shard = $1 group by feed_position order by 1 desc',
    [shard],
  );
  const whole = await pagesOf(1_000);

  expect(positions[0]!.writes).toBeGreaterThan(9);
  expect(whole.length).toBeGreaterThanOrEqual(16);
  expect(new Set(whole).size).toBe(whole.length);
  for (const limit of [1, 2, 3, 5, 12, 13]) expect(await pagesOf(limit), `${limit} a page`).toEqual(whole);
});
