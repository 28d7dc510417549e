import { beforeAll, describe, expect, test } from 'vitest';
import { spanClass } from '../../src/db/span.ts';
import { NEVER } from '../../src/instant.ts';
import { nextChange, promisedAt, promisedNow } from '../../src/pending/index-reader.ts';
import { scheduledWithin } from '../../src/pending/window.ts';
import type { Connection } from '../../src/db/database.ts';
import { day } from '../support/builders.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { at, grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** Each question is one statement over the index alone, and costs the same however long the history is. */

const { caller, sql, time } = await testWorld();

const PAST = 20_000;
const NOW = day(1) + 365 * 86_400_000;
let book: { shard: number; bookId: number; version: number };

beforeAll(async () => {
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest());
  const [row] = await sql.rows<Pick<typeof book, 'shard' | 'bookId'>>(
    `select shard, id as "bookId" from books`,
  );
  book = { ...row!, version: PAST + 1 };
  // A year in which a grant was promised every 26 minutes for a day each, and three that are still promised.
  await sql.rows(
    `insert into scheduled_grants
     select $1, $2, gen_random_uuid(), i, null, 'default', 'ada', 'USD', '{}', 1,
            at, at + length, at + length, 'infinity', class
     from (
       select i, to_timestamp(($3::bigint + i * ($4::bigint / ${PAST})) / 1000.0) as at,
              interval '1 day' as length, $5::smallint as class
       from generate_series(1, ${PAST - 60}) i
       union all
       select ${PAST} + i, to_timestamp($3::bigint / 1000.0), interval '2 years', $6 from generate_series(1, 3) i
     ) s`,
    [book.shard, book.bookId, day(1), NOW - day(1), spanClass(0, 86_400_000), spanClass(0, 730 * 86_400_000)],
  );
  await sql.rows('vacuum (analyze) scheduled_grants');
});

/** Far above what is needed (a descent into the index per class of length), far below the 600 pages of the history. */
const GENEROUS = 150;

const questions: Readonly<Record<string, (connection: Connection) => Promise<unknown>>> = {
  'pending now': (connection) => promisedAt(connection, book, NOW),
  'pending in the middle of the past': (connection) => promisedAt(connection, book, day(180)),
  'the next change from now on': (connection) => nextChange(connection, book, NOW),
};

describe.each(Object.entries(questions))('%s', (_, ask) => {
  test.each<Planning>(['custom', 'generic'])(
    'is found by the span index alone (%s plan)',
    async (planning) => {
      const connection = explaining(sql, planning);
      await ask(connection);

      const [plan, ...more] = connection.plans;
      expect(more).toEqual([]);
      expect(plan!.scans).toEqual(['scheduled_grants: Index Scan scheduled_grants_span']);
      expect(plan!.indexConditions).toHaveLength(1);
      for (const column of ['shard', 'book_id', 'span_class', 'pending_until >', 'pending_until <=']) {
        expect(plan!.indexConditions[0]).toContain(column);
      }
      expect(plan!.pages).toBeLessThan(GENEROUS);
    },
  );
});

test.each<Planning>(['custom', 'generic'])(
  'pending now, of many books, is one range of an index for each (%s plan)',
  async (planning) => {
    const connection = explaining(sql, planning);
    await promisedNow(connection, [{ shard: book.shard, bookId: book.bookId, asOf: NOW }]);

    const [plan, ...more] = connection.plans;
    expect(more).toEqual([]);
    expect(plan!.scans).toEqual(['scheduled_grants: Index Scan scheduled_grants_known_now']);
    for (const column of ['shard', 'book_id', 'pending_until >']) {
      expect(plan!.indexConditions[0]).toContain(column);
    }
    expect(plan!.pages).toBeLessThan(10);
  },
);

describe.each(['a customer', 'a namespace'])('the window of %s', (whose) => {
  test.each<Planning>(['custom', 'generic'])(
    'reads an index from where it begins (%s plan)',
    async (planning) => {
      const connection = explaining(sql, planning);
      const window = {
        namespace: 'default',
        from: NOW,
        until: NEVER,
        currency: null,
        after: null,
        limit: 50,
      };
      const owner = whose === 'a customer' ? book : null;
      await scheduledWithin(connection, { ...window, scope: { kind: 'all' }, book: owner }, NOW);

      const [plan, ...more] = connection.plans;
      expect(more).toEqual([]);
      const index = `scheduled_grants_${whose === 'a customer' ? 'customer' : 'namespace'}_window`;
      expect(plan!.scans[0]).toBe(`scheduled_grants: Index Scan ${index}`);
      // Of a customer also what was known at the version and has changed since.
      const since = plan!.indexConditions.filter((condition) => condition.includes('known_until >'));
      expect([plan!.scans.length, since.length]).toEqual(whose === 'a customer' ? [2, 1] : [1, 0]);
    },
  );
});

test('without classes of length the middle of the past would take half of the history', async () => {
  const connection = explaining(sql, 'custom');
  await connection.run(
    {
      name: 'without_classes',
      text: `select sum(amount) from scheduled_grants where shard = $1 and book_id = $2
             and pending_from <= $3 and pending_until > $3 and known_from <= $4 and known_until is null`,
    },
    [book.shard, book.bookId, at(day(180)), book.version],
  );

  expect(connection.plans[0]!.pages).toBeGreaterThan(2 * GENEROUS);
});
