import { beforeAll, describe, expect, test } from 'vitest';
import { pageOfOtherGrants } from '../../src/tables/grants.ts';
import { nextSegment } from '../../src/query/timeline/segments.ts';
import type { Connection } from '../../src/db/database.ts';
import { lateDebtorsAt } from '../../src/book/advance-history.ts';
import { settledEntriesWithin } from '../../src/ledger/settled.ts';
import { promisesAt, promisesChanging } from '../../src/pending/index-reader.ts';
import { ALL } from '../../src/scope.ts';
import { day } from '../support/builders.ts';
import { explaining, type Plan, type Planning } from '../support/plans.ts';
import { at, grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** A small window of a long history costs what is in the window, and an explanation what counts and what it lists. */

const { caller, sql, time } = await testWorld();

const WRITES = 20_000;
const PACE = 30_000;
const recordedAt = (version: number): number => day(1) + version * PACE;
let book: { shard: number; bookId: number; version: number };

beforeAll(async () => {
  time.now = day(1);
  const { grant } = await caller.answer('CreateGrant', grantRequest({ amount: '1000000' }));
  const [row] = await sql.rows<{ shard: number; id: number }>('select shard, id from books');
  book = { shard: row!.shard, bookId: row!.id, version: WRITES };
  const spends = `generate_series(2, ${WRITES}) v`;
  const recorded = `$3::timestamptz + v * interval '${PACE} ms'`;
  const params = [book.shard, book.bookId, at(day(1)), grant.id.slice('grt_'.length)];
  await sql.rows(
    `insert into writes (shard, book_id, version, recorded_at, method)
     select $1, $2, v, ${recorded}, 'ConsumeCredits' from ${spends}`,
    params.slice(0, 3),
  );
  await sql.rows(
    `insert into transactions
     select $1, $2, v, 1, gen_random_uuid(), 'CONSUME', ${recorded}, ${recorded}, $4::uuid, null, null, '',
            1, array[s.ordinal]
     from ${spends} join sub_accounts s on s.book_id = $2 and s.type = 'CUSTOMER_FBO'`,
    params,
  );
  await sql.rows(
    `insert into entries
     select $1, $2, v, 1, 1, s.ordinal, 'CONSUME', -1, 1000000 - v, $4::uuid, 1000000 - v, null,
            -- every fiftieth is told late, by an hour
            ${recorded} - case v % 50 when 0 then interval '1 hour' else interval '0' end, null, null,
            case v % 50 when 0 then 10 end
     from ${spends} join sub_accounts s on s.book_id = $2 and s.type = 'CUSTOMER_FBO'`,
    params,
  );
  await sql.rows(
    `insert into scheduled_grants
     select $1, $2, gen_random_uuid(), 1, null, 'default', 'ada', 'USD', '{}', 1, ${recorded},
            ${recorded} + interval '1 hour', ${recorded} + interval '1 hour', 'infinity', 10
     from ${spends}`,
    params.slice(0, 3),
  );
  for (const table of ['writes', 'transactions', 'entries', 'scheduled_grants'])
    await sql.rows(`vacuum (analyze) ${table}`);
});

/** A window of fifty writes. */
const span = (version: number) => ({
  after: recordedAt(version),
  through: recordedAt(version + 50),
  afterVersion: version,
  throughVersion: version + 50,
});

const questions: Readonly<Record<string, (connection: Connection, version: number) => Promise<unknown>>> = {
  'where a piece ends': (connection, version) =>
    nextSegment(connection, book, {
      after: recordedAt(version),
      end: recordedAt(WRITES),
      size: 50,
      ledger: true,
    }),
  'what was booked': (connection, version) =>
    settledEntriesWithin(connection, { ...book, scope: ALL, currency: null }, span(version)),
  'what was promised': (connection, version) => {
    const { after, through } = span(version);
    return promisesChanging(connection, book, after, through);
  },
  'promises one by one': (connection, version) => promisesAt(connection, book, recordedAt(version), 'USD'),
  'whose debts were told late': (connection, version) =>
    lateDebtorsAt(connection, { ...book, asOf: recordedAt(version), recordedBy: version }),
  'grants that do not count': (connection, version) =>
    pageOfOtherGrants(connection, book, { currency: 'USD', at: recordedAt(version), but: [], limit: 1_001 }),
};

/** Far above the pages of what is asked about (fifty rows, a few pages for each and for each class), far below those of the tables. */
const GENEROUS = 200;
const cases = Object.keys(questions).flatMap((question) =>
  (['custom', 'generic'] as const).flatMap((planning) =>
    [100, WRITES / 2, WRITES - 200].map((version) => [question, planning, version] as const),
  ),
);

async function planOf(question: string, planning: Planning, version: number): Promise<Plan> {
  const connection = explaining(sql, planning);
  // Under `explain` there are no rows, and so no first one to read.
  await questions[question]!(connection, version).catch(() => undefined);
  expect(connection.plans).toHaveLength(1);
  return connection.plans[0]!;
}

describe('one statement reads a few pages', () => {
  test.each(cases)('%s (%s plan) from version %i on', async (question, planning, version) => {
    const plan = await planOf(question, planning, version);

    expect(plan.pages).toBeLessThan(GENEROUS);
    expect(
      plan.scans.filter((scan) => /^(entries|transactions|writes|scheduled_grants): Seq/.test(scan)),
    ).toEqual([]);
  });
});

test('finding them by instant alone would read them all', async () => {
  const connection = explaining(sql, 'custom');
  const { after, through } = span(WRITES / 2);
  const text =
    'select sum(amount) from entries where shard = $1 and book_id = $2 and booked_at > $3 and booked_at <= $4';
  await connection.run({ name: 'by_instant', text }, [book.shard, book.bookId, at(after), at(through)]);

  expect(connection.plans[0]!.pages).toBeGreaterThan(GENEROUS);
});
