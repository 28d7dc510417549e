import { beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/db/database.ts';
import { accountTotals, accountTotalsOfBooks } from '../../src/ledger/account-totals.ts';
import { lateDebtorsAt } from '../../src/book/advance-history.ts';
import type { JournalPoint } from '../../src/ledger/as-of.ts';
import { grantTotals, lateGrants } from '../../src/ledger/grant-totals.ts';
import { idOf } from '../../src/id.ts';
import { boundsOf } from '../../src/ledger/journal-bounds.ts';
import {
  pageOfEntries,
  pageOfTransactions,
  WHOLE_JOURNAL,
  type JournalRange,
} from '../../src/ledger/journal-pages.ts';
import { movementsAt, pageOfMovements } from '../../src/ledger/movements.ts';
import { settledAt, settledAtEach, settledEntriesWithin } from '../../src/ledger/settled.ts';
import { subjectTotals } from '../../src/ledger/subject-totals.ts';
import { ALL } from '../../src/scope.ts';
import { day } from '../support/builders.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { tellSpends } from '../support/told-spends.ts';
import { testWorld } from '../support/world.ts';

/**
 * One book with 100,000 spends that were all told at the end, in no order, among 10,000 small ones: each statement of
 * history reads a bounded part of it, wherever it asks, and finds what was told late by the index over that.
 */

const { caller, sql, time } = await testWorld();

const SPENDS = 100_000;
const SMALL_BOOKS = 10_000;
const MINUTE = 60_000;
let book: { shard: number; bookId: number; version: number; from: number };
let grantId: string;
let chargeId: string;
/** The version that made the charge. */
const SPENT = 50_000;

beforeAll(async () => {
  await sql.rows('grant update on writes, transactions, entries, allocations to current_user');
  time.now = day(1);
  const { grant } = await caller.answer('CreateGrant', grantRequest({ amount: '1000000' }));
  grantId = grant.id;
  time.now += MINUTE;
  await caller.answer('ConsumeCredits', spendRequest({ amount: '1' }));
  const [row] = await sql.rows<{ id: number }>('select id from books');
  // On either side of the long book. Where the rows of a table refer to their book, it has to be there.
  const small = `$1::bigint + case when n % 2 = 0 then n else -n end`;
  for (const [table, own] of Object.entries({
    books: `'id', ${small}, 'customer_id', 'small ' || n`,
    sub_accounts: `'book_id', ${small}, 'id', md5(n || t::text)::uuid`,
    writes: `'book_id', ${small}`,
    transactions: `'book_id', ${small}, 'id', md5(n || t::text)::uuid`,
    entries: `'book_id', ${small}`,
  })) {
    await sql.rows(
      `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object(${own}))).*
       from ${table} t cross join generate_series(1, $2::integer) n
       where t.${table === 'books' ? 'id' : 'book_id'} = $1`,
      [row!.id, SMALL_BOOKS],
    );
  }
  const [customer] = await sql.rows<{ customer_id: string }>('select customer_id from books where id = $1', [
    row!.id,
  ]);
  book = await tellSpends(sql, customer!.customer_id, { count: SPENDS, told: 'at the end' });
  const [spent] = await sql.rows<{ id: string }>(
    'select charge_id as id from transactions where book_id = $1 and version = $2',
    [book.bookId, SPENT],
  );
  chargeId = idOf('chg', spent!.id);
  await sql.rows('vacuum (analyze)');
});

const filter = () => ({ ...book, scope: ALL, currency: null });
const placed = (fraction: number): JournalPoint => ({
  ...book,
  asOf: book.from + Math.floor(SPENDS * fraction) * MINUTE,
  recordedBy: 2,
});
const EVERY = { types: [], currency: null };
const journal = (of: Partial<JournalRange> = {}) => ({
  ...WHOLE_JOURNAL,
  ...book,
  after: { version: SPENT - 10, position: 1 },
  limit: 50,
  subAccounts: null,
  transaction: null,
  ...of,
});
const ofCharge = () => ({ chargeId, collectedIn: [SPENT] });
const KINDS = ['ISSUE', 'CONSUME', 'COVER', 'CORRECT', 'EXPIRE', 'VOID', 'ADJUST'] as const;
const around = (at: number, rows: number) => Array.from({ length: rows }, (_, i) => at - i * MINUTE);

type Ask = (connection: Connection, point: JournalPoint) => Promise<unknown>;
/** With the pages each may touch: some for every large block, some tens for every row, none for every fact told late. */
const QUESTIONS: Readonly<Record<string, readonly [pages: number, ask: Ask]>> = {
  'what accounts hold': [1_500, (c, point) => accountTotals(c, point, EVERY)],
  'what accounts of several books hold': [
    1_500,
    (c, point) => accountTotalsOfBooks(c, point.shard, [point], point.asOf, EVERY),
  ],
  'what a grant holds': [900, (c, point) => grantTotals(c, point, [grantId])],
  'which grants late facts gave something': [2_500, lateGrants],
  'which charges owe by late facts': [900, lateDebtorsAt],
  'where a window lies': [900, (c, { asOf }) => boundsOf(c, book, asOf, asOf + 60 * MINUTE)],
  settled: [900, (c, { asOf }) => settledAt(c, filter(), [asOf])],
  'settled behind each row of a page': [
    7_000,
    (c, { asOf }) => settledAtEach(c, filter(), around(asOf, 100)),
  ],
  'a page of rows': [
    5_000,
    (c, { asOf }) =>
      pageOfMovements(c, {
        ...filter(),
        kinds: KINDS,
        from: book.from,
        until: asOf,
        direction: 'older',
        limit: 100,
        beyond: { bookedAt: Number.POSITIVE_INFINITY, version: 0, position: 0 },
      }),
  ],
  'a page of entries': [1_500, (c) => pageOfEntries(c, journal())],
  'a page of entries of a grant': [1_500, (c) => pageOfEntries(c, journal({ grantId }))],
  'the entries of a charge': [100, (c) => pageOfEntries(c, journal(ofCharge()))],
  'a page of transactions of a grant': [1_500, (c) => pageOfTransactions(c, journal({ grantId }))],
  'the transactions of a charge': [100, (c) => pageOfTransactions(c, journal(ofCharge()))],
  'what a charge comes to': [
    100,
    (c, { asOf }) => subjectTotals(c, book, asOf, { grantId: null, chargeId }, [SPENT]),
  ],
  'the rows of an instant': [200, (c, { asOf }) => movementsAt(c, filter(), [asOf])],
  'what moved in two hours': [
    7_000,
    (c, { asOf }) => settledEntriesWithin(c, filter(), { after: asOf, through: asOf + 120 * MINUTE }),
  ],
};

describe.each<Planning>(['generic', 'custom'])('with a %s plan', (planning) => {
  test.each(Object.entries(QUESTIONS))('%s reads a bounded part', async (_, [pages, ask]) => {
    for (const fraction of [0.01, 0.5, 0.99]) {
      const connection = explaining(sql, planning);
      // Under `explain` there are no rows, and so no first one to read.
      await ask(connection, placed(fraction)).catch(() => undefined);
      expect(connection.plans.length).toBeGreaterThan(0);
      for (const plan of connection.plans) {
        expect(plan.pages, `${plan.statement} at ${fraction}`).toBeLessThan(pages);
        const whole = plan.scans.filter((scan) =>
          /^(entries|transactions|writes|late_sums): (?!Index)/.test(scan),
        );
        expect(whole, plan.statement).toEqual([]);
      }
    }
  });
});

test('reading what was told late entry by entry would take all of it', async () => {
  const connection = explaining(sql, 'generic');
  const text = `select sum(e.amount) from entries e
    where e.shard = $1 and e.book_id = $2 and e.late_class is not null and e.version > $3`;
  await connection.run({ name: 'one_by_one', text }, [book.shard, book.bookId, 2]);

  expect(connection.plans[0]!.pages).toBeGreaterThan(3_000);
});
