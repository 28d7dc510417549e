import { beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/db/database.ts';
import { spanClass } from '../../src/db/span.ts';
import { idOf } from '../../src/id.ts';
import { accountTotals, accountTotalsOfBooks } from '../../src/ledger/account-totals.ts';
import type { JournalPoint } from '../../src/ledger/as-of.ts';
import { grantTotals } from '../../src/ledger/grant-totals.ts';
import { settledAt } from '../../src/ledger/settled.ts';
import { ALL } from '../../src/scope.ts';
import { day } from '../support/builders.ts';
import { explaining, type Plan, type Planning } from '../support/plans.ts';
import { at, grantRequest } from '../support/requests.ts';
import { sumUp } from '../support/summed-up.ts';
import { testWorld } from '../support/world.ts';

/** Asking about the past costs two probes per sub-account or grant, however many entries there are. */

const { caller, sql, time } = await testWorld();

const ENTRIES = 50_000;
/** One write every half minute, for a week. */
const PACE = 30_000;
const recordedAt = (version: number): number => day(1) + version * PACE;
let book: { shard: number; bookId: number };
let grants: readonly string[];

beforeAll(async () => {
  time.now = day(1);
  for (let i = 0; i < 5; i++) await caller.answer('CreateGrant', grantRequest({ priority: i + 1 }));
  const [row] = await sql.rows<{ shard: number; id: number }>('select shard, id from books');
  book = { shard: row!.shard, bookId: row!.id };
  grants = (await sql.rows<{ id: string }>('select id from grants order by id')).map(({ id }) => id);
  const versions = Array.from({ length: ENTRIES }, (_, i) => i + 6);
  // Every fiftieth is told late, by minutes to hours.
  const lateness = versions.map((v) => (v % 50 === 0 ? 60_000 * (1 + ((v * 7) % 240)) : 0));
  await sql.rows(
    `insert into entries
     select $1, $2, v, 1, 1, s.ordinal, 'CONSUME', -0.001, 100 - v * 0.001, ($7::uuid[])[v % 5 + 1], 100 - v * 0.001,
            null, booked_at, null, null, class
     from unnest($3::bigint[], $4::timestamptz[], $5::smallint[], $6::integer[]) x (v, booked_at, class, fbo)
     join (
       select ordinal, row_number() over (order by ordinal) as number from sub_accounts
       where book_id = $2 and type = 'CUSTOMER_FBO'
     ) s on s.number = fbo`,
    [
      book.shard,
      book.bookId,
      versions,
      versions.map((v, i) => at(recordedAt(v) - lateness[i]!)),
      lateness.map((late) => (late === 0 ? null : spanClass(0, late))),
      versions.map((v) => (v % 5) + 1),
      grants,
    ],
  );
  await sumUp(sql, book, ENTRIES);
  await sql.rows('vacuum (analyze) entries, late_sums, late_summed');
});

const pointAt = (version: number): JournalPoint => ({
  ...book,
  asOf: recordedAt(version),
  recordedBy: version,
  version: ENTRIES,
});

const EVERY_ACCOUNT = { types: [], currency: null };

/** Far above the probes it takes (a few pages for each sub-account, grant and class), far below the 800 pages of the entries. */
const GENEROUS = 350;

const questions: Readonly<Record<string, (connection: Connection, point: JournalPoint) => Promise<unknown>>> =
  {
    settled: (connection, point) =>
      settledAt(connection, { ...point, scope: ALL, currency: null }, [point.asOf]),
    'what accounts hold': (connection, point) => accountTotals(connection, point, EVERY_ACCOUNT),
    'what accounts of several books hold': (connection, point) =>
      accountTotalsOfBooks(connection, point.shard, [point], point.asOf, EVERY_ACCOUNT),
    'what grants hold': (connection, point) =>
      grantTotals(
        connection,
        point,
        grants.map((uuid) => idOf('grt', uuid)),
      ),
  };

async function planOf(
  ask: (connection: Connection, point: JournalPoint) => Promise<unknown>,
  planning: Planning,
  version: number,
): Promise<Plan> {
  const connection = explaining(sql, planning);
  await ask(connection, pointAt(version));
  expect(connection.plans).toHaveLength(1);
  return connection.plans[0]!;
}

describe.each(Object.entries(questions))('%s at a past instant, in one statement', (_, ask) => {
  test.each<[Planning, string, number]>([
    ['custom', 'the beginning', 100],
    ['custom', 'the middle', ENTRIES / 2],
    ['custom', 'the end', ENTRIES - 100],
    ['generic', 'the beginning', 100],
    ['generic', 'the middle', ENTRIES / 2],
    ['generic', 'the end', ENTRIES - 100],
  ])('reads a few pages (%s plan) at %s', async (planning, _where, version) => {
    const plan = await planOf(ask, planning, version);

    expect(plan.pages).toBeLessThan(GENEROUS);
    expect(plan.scans.filter((scan) => /^entries: (?!Index)/.test(scan))).toEqual([]);
  });
});

test('adding up the entries instead would take them all', async () => {
  const plan = await planOf(
    (connection, point) =>
      connection.run(
        {
          name: 'added_up',
          text: `select sum(amount) from entries where shard = $1 and book_id = $2 and booked_at <= $3`,
        },
        [point.shard, point.bookId, at(point.asOf)],
      ),
    'custom',
    ENTRIES / 2,
  );

  expect(plan.pages).toBeGreaterThan(2 * GENEROUS);
});
