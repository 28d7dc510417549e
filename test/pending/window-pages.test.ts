import { beforeAll, describe, expect, test } from 'vitest';
import { spanClass } from '../../src/db/span.ts';
import { NEVER } from '../../src/instant.ts';
import { scheduledWithin } from '../../src/pending/window.ts';
import { day } from '../support/builders.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** The first page of a window enters the index at the window, not at its very beginning. */
const { caller, sql, time } = await testWorld();
const NOW = day(1) + 365 * 86_400_000;
let book: { shard: number; bookId: number };

beforeAll(async () => {
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest());
  [book] = (await sql.rows<typeof book>('select shard, id as "bookId" from books')) as [typeof book];
  await sql.rows(
    `insert into scheduled_grants
     select $1, $2, gen_random_uuid(), i, null, 'default', 'ada', 'USD', '{}', 1,
            at, at + interval '1 day', at + interval '1 day', 'infinity', $4
     from generate_series(1, 20000) i, lateral (select to_timestamp($3::bigint / 1000.0) + i * interval '26 minutes' as at) t
     where at < to_timestamp($3::bigint / 1000.0) + interval '360 days'`,
    [book.shard, book.bookId, day(1), spanClass(0, 86_400_000)],
  );
  await sql.rows('vacuum (analyze) scheduled_grants');
});

describe.each(['a customer', 'a namespace'])('the first page of %s', (whose) => {
  test.each<Planning>(['custom', 'generic'])('does not read the past (%s plan)', async (planning) => {
    const connection = explaining(sql, planning);
    const window = { namespace: 'default', from: NOW, until: NEVER, currency: null, after: null, limit: 50 };
    const owner = whose === 'a customer' ? { ...book, version: 1_000_000 } : null;
    await scheduledWithin(connection, { ...window, scope: { kind: 'all' }, book: owner }, NOW);

    expect(connection.plans[0]!.pages).toBeLessThan(20);
  });
});
