import { afterAll, describe, expect, test } from 'vitest';
import { databaseTime } from '../../src/db/clock.ts';
import { connect, type Statement } from '../../src/db/database.ts';
import { grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** domain.md §2: a finer timestamp is cut to the millisecond. */

const { caller, databaseUrl } = await testWorld();

describe('a timestamp of a request is cut, not rounded', () => {
  test.each([
    ['2026-01-05T00:00:00.0009Z', '2026-01-05T00:00:00Z'],
    ['2026-01-05T00:00:00.999999999Z', '2026-01-05T00:00:00.999Z'],
    ['1969-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.999Z'],
  ])('%s is %s', async (effectiveAt, cut) => {
    const { grant } = await caller.answer('CreateGrant', grantRequest({ effectiveAt }));

    expect(grant.effectiveAt).toBe(cut);
  });
});

test('the database’s time is cut, so that it never runs ahead', async () => {
  const database = connect({ url: databaseUrl, poolSize: 1 });
  afterAll(() => database.close());
  const ahead = await database.transaction(async (connection) => {
    let count = 0;
    for (let i = 0; i < 200; i++) {
      const now = await databaseTime(connection);
      const [row] = await connection.run(REALLY);
      if (now > row!.micros / 1_000) count += 1;
    }
    return count;
  });

  expect(ahead).toBe(0);
});

const REALLY: Statement<{ micros: number }> = {
  name: 'really_now',
  text: 'select (extract(epoch from clock_timestamp()) * 1000000)::bigint as micros',
};
