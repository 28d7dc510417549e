import { afterAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/db/database.ts';
import { endOf, readTails } from '../../src/feed/feed-rows.ts';
import { addWatermark, heldBack, noHorizons, takeIn, type Horizons } from '../../src/feed/horizons.ts';
import { SHARDS, shardOf } from '../../src/tables/book-key.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** How far the journal can be read, as looks at its end have shown, and what no end of a journal may look like. */

const { caller, databaseUrl, sql } = await testWorld();
const database = connect({ url: databaseUrl, poolSize: 1 });
afterAll(() => database.close());

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);

/** A look at some shards that finds the same in each. */
const look = (horizons: Horizons, shards: readonly number[], horizon: number, last = -1): boolean =>
  takeIn(
    horizons,
    shards,
    shards.map(() => ({ horizon, last })),
  );
const watermark = (number: number, xid: number) => ({
  look: number,
  at: 1_000 * number,
  xids: ALL.map(() => xid),
});

describe('a look', () => {
  test('says whether it found a horizon moved, the others as they were', () => {
    const horizons = noHorizons();

    expect(look(horizons, [3, 4], 10)).toBe(true);
    expect(look(horizons, [3, 4], 10)).toBe(false);
    expect(
      takeIn(
        horizons,
        [4, 3],
        [10, 11].map((horizon) => ({ horizon, last: 7 })),
      ),
    ).toBe(true);
    expect(horizons.shards.slice(2, 5)).toEqual([
      { horizon: 0, last: -1 },
      { horizon: 11, last: 7 },
      { horizon: 10, last: 7 },
    ]);
  });

  test('that finds less to read than before fails: it would tell again, or never', () => {
    const horizons = noHorizons();
    look(horizons, ALL, 10, 9);

    expect(() => look(horizons, [5], 9, 9)).toThrow(/went back from 10 to 9/);
    expect(() => look(horizons, [5], 10, 8)).toThrow(/went back from 10 to 9/);
  });

  test('may find a horizon lower than before, as after a crash, above all there is to read', () => {
    const horizons = noHorizons();
    look(horizons, ALL, 10, 5);

    expect(look(horizons, ALL, 8, 5)).toBe(false);
    expect(horizons.shards.map(endOf)).toEqual(ALL.map(() => 6));
  });
});

describe('a watermark', () => {
  test('is complete once the horizon of every shard is above its id', () => {
    const horizons = noHorizons();
    addWatermark(horizons, watermark(1, 10));
    look(horizons, ALL, 10);
    expect(horizons.complete).toBe(null);
    look(horizons, ALL.slice(1), 11);
    expect(horizons.complete).toBe(null);
    look(horizons, [0], 11);

    expect(horizons.complete).toEqual(watermark(1, 10));
    expect(horizons.waiting).toEqual([]);
  });

  test('stays the complete one until a newer is, and of several the newest counts', () => {
    const horizons = noHorizons();
    for (const number of [1, 2, 3]) addWatermark(horizons, watermark(number, 10 * number));
    look(horizons, ALL, 25);
    look(horizons, ALL, 30);

    expect(horizons.complete).toEqual(watermark(2, 20));
    expect(horizons.waiting).toEqual([watermark(3, 30)]);
  });

  test('takes the place of the newest where eight wait: the oldest comes first', () => {
    const horizons = noHorizons();
    for (let number = 1; number <= 10; number += 1) addWatermark(horizons, watermark(number, number));

    expect(horizons.waiting.map((one) => one.look)).toEqual([1, 2, 3, 4, 5, 6, 7, 10]);
  });
});

describe('held back', () => {
  test('are the shards where a write can be seen and not be read yet', () => {
    const horizons = noHorizons();
    look(horizons, ALL, 10, 9);
    look(horizons, [2], 10, 10);
    look(horizons, [7], 10, 11);

    expect(heldBack(horizons)).toEqual([2, 7]);
  });

  test('are all of them while a watermark waits', () => {
    const horizons = noHorizons();
    look(horizons, ALL, 10, 9);
    addWatermark(horizons, watermark(1, 10));

    expect(heldBack(horizons)).toEqual(ALL);
  });
});

test('a write from ahead of the database, copied from another cluster, is no end of a journal', async () => {
  const shard = shardOf({ namespace: 'default', customerId: 'ada' });
  expect(await readTails(database, [shard])).toMatchObject([{ last: -1 }]);
  await caller.answer('ConsumeCredits', spendRequest(CREDIT_ONLY));
  const [write] = await sql.rows<{ position: number }>('select feed_position as position from writes');
  expect(await readTails(database, [shard])).toMatchObject([{ last: write!.position }]);
  await sql.rows('grant update on writes to current_user');
  await sql.rows('update writes set feed_position = feed_position + 1000000');

  await expect(readTails(database, [shard])).rejects.toThrow(/copied into another cluster/);
});
