import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../src/db/database.ts';
import type { FeedPlace } from '../../src/feed/feed-cursor.ts';
import { readFeedPage, readTails } from '../../src/feed/feed-rows.ts';
import { idIn } from '../../src/ledger/transaction-id.ts';
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

async function pagesOf(
  limit: number,
  beginning: FeedPlace = { position: 0, inside: null },
): Promise<readonly string[]> {
  const [tail] = await readTails(database, [shard]);
  const horizon = tail!.last + 1;
  const told: string[] = [];
  let from = beginning;
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

beforeAll(async () => {
  for (const customerId of CUSTOMERS) await caller.answer('CreateGrant', grantRequest({ customerId }));
  const requests = [0, 1, 2, 3].flatMap(() => CUSTOMERS.map((customerId) => spendRequest({ customerId })));
  await caller.answer('BatchConsumeCredits', { requests });
  await caller.answer('CreateGrant', grantRequest({ customerId: CUSTOMERS[2]!, namespace: 'another' }));
  await caller.answer('ConsumeCredits', spendRequest({ customerId: CUSTOMERS[1]! }));
});

test('a batch is told whole, however many of its writes a page looks at', async () => {
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

test('a place of before books had numbers goes on in the order of their uuids, then as any other', async () => {
  const [batch, ...behind] = await sql.rows<{ position: number; ids: readonly string[] }>(
    `select w.feed_position as position, array_agg('txn_' || replace(${idIn('t')}::text, '-', '') order by b.uuid, w.version) as ids
     from writes w
     join books b on b.id = w.book_id
     join transactions t on t.book_id = w.book_id and t.version = w.version
     where w.shard = $1 and b.namespace = 'default'
       and w.feed_position >= (select feed_position from writes group by 1 order by count(*) desc limit 1)
     group by 1 order by 1`,
    [shard],
  );
  const places = await sql.rows<{ uuid: string; version: number }>(
    `select replace(b.uuid::text, '-', '') as uuid, w.version from writes w join books b on b.id = w.book_id
     where w.feed_position = $1 order by b.uuid, w.version`,
    [batch!.position],
  );

  expect(places).toHaveLength(12);
  for (const [i, { uuid, version }] of places.entries()) {
    const inside = { uuid, version, ordinal: 1 };
    const left = [...batch!.ids.slice(i + 1), ...behind.flatMap(({ ids }) => ids)];
    for (const limit of [1, 3, 100])
      expect(await pagesOf(limit, { position: batch!.position, inside }), `${i}, ${limit}`).toEqual(left);
  }
});
