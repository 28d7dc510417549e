import { beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/db/database.ts';
import { spanClass } from '../../../src/db/span.ts';
import { idOf } from '../../../src/id.ts';
import { ALWAYS, NEVER, type Instant } from '../../../src/instant.ts';
import { boundsOf } from '../../../src/ledger/journal-bounds.ts';
import {
  pageOfEntries,
  pageOfTransactions,
  type EntryRange,
  type TransactionRange,
} from '../../../src/ledger/journal-pages.ts';
import { day } from '../../support/builders.ts';
import { explaining, type Plan, type Planning } from '../../support/plans.ts';
import { at, grantRequest, postRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { sumUp } from '../../support/summed-up.ts';
import { testWorld } from '../../support/world.ts';

/** A page of the journal reads a bounded part of it, whatever the filter, and however many rows there are. */

const { caller, sql, time } = await testWorld();

const SPENDS = 60_000;
const FIRST = 3;
/** One write every half minute. */
const PACE = 30_000;
const recordedAt = (version: number): Instant => day(1) + version * PACE;
const LAST = FIRST + SPENDS;
let book: { shard: number; bookId: number };
let grantUuid: string;
let chargeUuid: string;
/** A version in the middle, and the charge that its spend made. */
const SPENT = 5_000;

beforeAll(async () => {
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest());
  await caller.answer('ConsumeCredits', spendRequest({ amount: '1' }));
  await caller.answer('PostTransaction', postRequest());
  const [row] = await sql.rows<{ shard: number; id: number }>('select shard, id from books');
  book = { shard: row!.shard, bookId: row!.id };
  grantUuid = (await sql.rows<{ id: string }>('select id from grants'))[0]!.id;
  const versions = Array.from({ length: SPENDS }, (_, i) => i + FIRST + 1);
  // Every fiftieth is told late, by minutes to hours.
  const late = versions.map((v) => (v % 50 === 0 ? 60_000 * (1 + ((v * 7) % 240)) : 0));
  await sql.rows(
    `with told as (
       select t.*, gen_random_uuid() as charge_id
       from unnest($3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[])
         t (version, recorded_at, booked_at, late_class)
     ), written as (
       insert into writes (shard, book_id, version, recorded_at, method)
       select $1, $2, version, recorded_at, 'ConsumeCredits' from told
     ), posted as (
       insert into transactions (shard, book_id, version, ordinal, id, kind, booked_at, recorded_at, grant_id, charge_id, hash,
         first_position, sub_accounts)
       select $1, $2, version, 1, gen_random_uuid(), 'CONSUME', booked_at, recorded_at, $7, charge_id, '', 1, sides.accounts
       from told cross join (
         select array_agg(s.ordinal order by s.type = 'CUSTOMER_ACCRUED') as accounts from sub_accounts s
         where s.book_id = $2 and s.type in ('CUSTOMER_FBO', 'CUSTOMER_ACCRUED')
       ) sides
     )
     insert into entries (shard, book_id, version, position, transaction, sub_account, kind, amount, running_total,
       grant_id, grant_remaining, charge_id, booked_at, late_class)
     select $1, $2, t.version, side.position, 1, s.ordinal, 'CONSUME', side.amount, side.amount * t.version,
            $7, case when s.type = 'CUSTOMER_FBO' then 0 end, t.charge_id, t.booked_at, t.late_class
     from told t
     cross join (values (1, 'CUSTOMER_FBO', -0.001), (2, 'CUSTOMER_ACCRUED', 0.001)) side (position, type, amount)
     join sub_accounts s on s.book_id = $2 and s.type = side.type`,
    [
      book.shard,
      book.bookId,
      versions,
      versions.map((v) => at(recordedAt(v))),
      versions.map((v, i) => at(recordedAt(v) - late[i]!)),
      late.map((ms) => (ms === 0 ? null : spanClass(0, ms))),
      grantUuid,
    ],
  );
  const [spent] = await sql.rows<{ id: string }>(
    'select charge_id as id from transactions where version = $1',
    [SPENT],
  );
  chargeUuid = spent!.id;
  await sql.rows('update books set version = $1, clock = $2', [LAST, at(recordedAt(LAST))]);
  await sumUp(sql, book, LAST);
  await sql.rows('vacuum (analyze) writes, transactions, entries, sub_accounts, late_sums');
  time.now = recordedAt(LAST);
});

const range = (more: Partial<EntryRange & TransactionRange> = {}): EntryRange & TransactionRange => ({
  ...book,
  after: { version: 1_000, position: 0 },
  version: LAST,
  limit: 50,
  bookedFrom: ALWAYS,
  bookedTo: NEVER,
  grantId: null,
  chargeId: null,
  collectedIn: [],
  actor: null,
  kinds: [],
  idempotencyKey: null,
  subAccounts: null,
  transaction: null,
  ...more,
});

/** What each list is asked for: in part narrow questions, in part some that hide nearly all that they walk past. */
const asked: Readonly<Record<string, () => Partial<EntryRange & TransactionRange>>> = {
  'the whole journal': () => ({}),
  'what one grant did, which is nearly all': () => ({ grantId: idOf('grt', grantUuid) }),
  'what one charge did': () => ({ chargeId: idOf('chg', chargeUuid), collectedIn: [SPENT] }),
  'what one grant did for a charge': () => ({
    chargeId: idOf('chg', chargeUuid),
    collectedIn: [SPENT],
    grantId: idOf('grt', grantUuid),
  }),
  'a window of a day in the middle': () => ({
    bookedFrom: recordedAt(SPENDS / 2),
    bookedTo: recordedAt(SPENDS / 2) + 86_400_000,
  }),
  'a window that nothing lies in': () => ({ bookedFrom: day(300) }),
  'a kind that is rare': () => ({ kinds: ['MANUAL'], transaction: 99 }),
  'a kind that is rare, of one grant': () => ({
    kinds: ['MANUAL'],
    transaction: 99,
    grantId: idOf('grt', grantUuid),
  }),
  'what somebody did who did nothing': () => ({ actor: 'nobody' }),
  'what nobody did of one grant': () => ({ actor: 'nobody', grantId: idOf('grt', grantUuid) }),
  'two sub-accounts': () => ({ subAccounts: [1, 4] }),
  'a sub-account of one grant': () => ({ subAccounts: [99], grantId: idOf('grt', grantUuid) }),
};

const LISTS: Readonly<
  Record<string, (connection: Connection, asking: EntryRange & TransactionRange) => Promise<unknown>>
> = {
  transactions: pageOfTransactions,
  entries: pageOfEntries,
};

/** What looking at 10,000 rows takes: up to four pages a row for a transaction, its index entry and its write. */
const BOUNDED = 60_000;
/** A page of fifty rows that are all shown. */
const LITTLE = 3_000;
const SHOWS_ALL = [
  'the whole journal',
  'what one grant did, which is nearly all',
  'what one charge did',
  'what one grant did for a charge',
  'two sub-accounts',
];

async function plansOf(
  planning: Planning,
  ask: (connection: Connection) => Promise<unknown>,
): Promise<readonly Plan[]> {
  const connection = explaining(sql, planning);
  await ask(connection);
  return connection.plans;
}

const readWhole = (plan: Plan): readonly string[] =>
  plan.scans.filter((scan) => /^(entries|transactions|writes): (?!Index)/.test(scan));

describe.each<Planning>(['custom', 'generic'])('with a %s plan', (planning) => {
  describe.each(Object.entries(LISTS))('a page of %s', (_, page) => {
    test.each(Object.entries(asked))('of %s reads a bounded part of the journal', async (what, more) => {
      const plans = await plansOf(planning, (connection) => page(connection, range(more())));

      expect(plans.length).toBeGreaterThan(0);
      for (const plan of plans) {
        expect(readWhole(plan)).toEqual([]);
        expect(plan.pages, plan.statement).toBeLessThan(SHOWS_ALL.includes(what) ? LITTLE : BOUNDED);
      }
    });
  });

  test('where a window lies is found by a few pages', async () => {
    for (const from of [ALWAYS, recordedAt(10), recordedAt(SPENDS / 2)]) {
      for (const to of [recordedAt(20), recordedAt(SPENDS / 2) + PACE, NEVER]) {
        const [plan] = await plansOf(planning, (connection) =>
          // What is explained answers no rows, which bounds always have.
          boundsOf(connection, { ...book, version: LAST }, from, to).catch(() => undefined),
        );
        expect(readWhole(plan!)).toEqual([]);
        // A few for each block of versions whose late entries are summed up.
        expect(plan!.pages).toBeLessThan(500);
      }
    }
  });
});

test('a rare row is found through pages that may be empty, and none is missed', async () => {
  const pages: number[] = [];
  const found: Json[] = [];
  for (let pageToken = ''; ;) {
    const request = {
      customerId: 'ada',
      kinds: ['TRANSACTION_KIND_MANUAL', 'TRANSACTION_KIND_VOID'],
      pageToken,
    };
    const page = await caller.answer('ListTransactions', request);
    found.push(...(page['transactions'] ?? []));
    pages.push((page['transactions'] ?? []).length);
    pageToken = page['nextPageToken'] ?? '';
    if (pageToken === '') break;
  }

  expect(pages).toEqual([1, 0, 0, 0, 0, 0, 0]);
  expect(found).toMatchObject([{ kind: 'TRANSACTION_KIND_MANUAL', version: '3' }]);
});

test('a window is walked alone, not what lies before and behind it', async () => {
  const window = { bookedFrom: at(recordedAt(SPENDS / 2)), bookedTo: at(recordedAt(SPENDS / 2 + 40)) };
  const { transactions, nextPageToken } = await caller.answer('ListTransactions', {
    customerId: 'ada',
    ...window,
  });

  // One is told late into it, by the write that comes a while later; one of its own was told of before it.
  expect(transactions.length).toBeGreaterThan(35);
  expect(nextPageToken).toBeUndefined();
});
