import { beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/db/database.ts';
import { spanClass } from '../../../src/db/span.ts';
import { NEVER, type Instant } from '../../../src/instant.ts';
import { movementsAt, pageOfMovements, pageOfMovementsBy } from '../../../src/ledger/movements.ts';
import { settledAt, type SettledFilter } from '../../../src/ledger/settled.ts';
import { ALL, type Scope } from '../../../src/scope.ts';
import { day } from '../../support/builders.ts';
import { explaining, type Plan, type Planning } from '../../support/plans.ts';
import { at, grantRequest, spendRequest } from '../../support/requests.ts';
import { testWorld } from '../../support/world.ts';

/** A page of a history costs what it shows, however many entries there are. */

const { caller, sql, time } = await testWorld();

const SPENDS = 10_000;
/** One write every half minute, for most of a week. */
const PACE = 30_000;
const FIRST = 10;
const recordedAt = (version: number): Instant => day(1) + version * PACE;
/** The last write finds that this many grants have expired, all at one instant. */
const EXPIRED = 1_000;
const LAST = SPENDS + FIRST + 1;
let book: Pick<SettledFilter, 'shard' | 'bookId'>;

beforeAll(async () => {
  time.now = day(1);
  const kinds = [[], ['a'], ['b'], ['a', 'b'], []];
  for (const [i, featureKeys] of kinds.entries()) {
    await caller.answer('CreateGrant', grantRequest({ featureKeys, priority: i + 1 }));
    await caller.answer('ConsumeCredits', spendRequest({ featureKey: featureKeys[0], amount: '1' }));
  }
  const [row] = await sql.rows<{ shard: number; id: number }>('select shard, id from books');
  book = { shard: row!.shard, bookId: row!.id };
  await spend();
  await expire();
  await sql.rows('vacuum (analyze) writes, transactions, entries, sub_accounts');
});

/** The columns of a transaction, and of an entry, that these tests need. */
const TRANSACTION = `transactions (shard, book_id, version, ordinal, id, kind, booked_at, recorded_at, grant_id,
  charge_id, hash, first_position, sub_accounts)`;
const ENTRY = `entries (shard, book_id, version, position, transaction, sub_account, kind, amount, running_total,
  grant_id, grant_remaining, charge_id, booked_at, late_class)`;

/** Two entries a spend, one spend a write; every fiftieth is told late, by minutes to hours. */
async function spend(): Promise<void> {
  const versions = Array.from({ length: SPENDS }, (_, i) => i + FIRST + 1);
  const late = versions.map((v) => (v % 50 === 0 ? 60_000 * (1 + ((v * 7) % 240)) : 0));
  await sql.rows(
    `with told as (
       select t.*, gen_random_uuid() as charge_id, fbo.ordinal as fbo
       from unnest($3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[])
         t (version, recorded_at, booked_at, late_class)
       join (
         select row_number() over (order by ordinal) - 1 as number, ordinal from sub_accounts
         where book_id = $2 and type = 'CUSTOMER_FBO'
       ) fbo on fbo.number = t.version % 5
     ), written as (
       insert into writes (shard, book_id, version, recorded_at, method)
       select $1, $2, version, recorded_at, 'ConsumeCredits' from told
     ), posted as (
       insert into ${TRANSACTION}
       select $1, $2, version, 1, gen_random_uuid(), 'CONSUME', booked_at, recorded_at, null, charge_id, '', 1, array[fbo, 99]
       from told
     )
     insert into ${ENTRY}
     select $1, $2, t.version, side.position, 1, side.account, 'CONSUME', side.amount, side.amount * t.version,
            null, null, t.charge_id, t.booked_at, t.late_class
     from told t
     cross join lateral (values (1, t.fbo, -0.001), (2, 99, 0.001)) side (position, account, amount)`,
    [
      book.shard,
      book.bookId,
      versions,
      versions.map((v) => at(recordedAt(v))),
      versions.map((v, i) => at(recordedAt(v) - late[i]!)),
      late.map((ms) => (ms === 0 ? null : spanClass(0, ms))),
    ],
  );
}

/** One write of many transactions, booked at one instant. */
async function expire(): Promise<void> {
  await sql.rows(
    `with told as (
       select n, gen_random_uuid() as grant_id, fbo.account from generate_series(1, $5::integer) n
       cross join (select min(ordinal) as account from sub_accounts where book_id = $2 and type = 'CUSTOMER_FBO') fbo
     ), written as (
       insert into writes (shard, book_id, version, recorded_at, method)
       select $1, $2, $3, $4::timestamptz, 'CreateGrant'
     ), posted as (
       insert into ${TRANSACTION}
       select $1, $2, $3, n, gen_random_uuid(), 'EXPIRE', $4::timestamptz, $4::timestamptz, grant_id, null, '',
              2 * n - 1, array[account, 99]
       from told
     )
     insert into ${ENTRY}
     select $1, $2, $3, 2 * n - side.back, n, side.account, 'EXPIRE', side.amount, 0,
            grant_id, side.remaining, null, $4::timestamptz, null
     from told
     cross join lateral (values (1, told.account, -1, 0), (0, 99, 1, null)) side (back, account, amount, remaining)`,
    [book.shard, book.bookId, LAST, at(recordedAt(LAST)), EXPIRED],
  );
}

async function planOf(planning: Planning, ask: (connection: Connection) => Promise<unknown>): Promise<Plan> {
  const connection = explaining(sql, planning);
  await ask(connection);
  expect(connection.plans).toHaveLength(1);
  return connection.plans[0]!;
}

/** Tables that grow with the history and are read as a whole. */
const readWhole = ({ scans }: Plan): readonly string[] =>
  scans.filter((scan) => /^(entries|transactions|writes): (?!Index)/.test(scan));

const filterOf = (scope: Scope = ALL): SettledFilter => ({ ...book, version: LAST, scope, currency: null });
const KINDS = ['ISSUE', 'CONSUME', 'COVER', 'CORRECT', 'EXPIRE', 'VOID', 'ADJUST'] as const;

const pageAt =
  (place: Instant, direction: 'older' | 'newer', limit: number, scope: Scope = ALL) =>
  (connection: Connection) =>
    pageOfMovements(connection, {
      ...filterOf(scope),
      kinds: KINDS,
      from: day(1),
      until: NEVER,
      direction,
      limit,
      beyond: { bookedAt: place, version: 0, position: 0 },
    });

const PAGE = 51;
/** A row takes about ten pages to find, four times that where a scope hides most of them; all rows would take 100,000. */
const GENEROUS = 40 * PAGE;

const SCOPES: readonly Scope[] = [ALL, { kind: 'unrestricted' }, { kind: 'feature', featureKey: 'a' }];
const PLACES: readonly (readonly [string, Instant, 'older' | 'newer'])[] = [
  ['before the newest', NEVER, 'older'],
  ['before the expiries', recordedAt(LAST), 'older'],
  ['before the middle', recordedAt(SPENDS / 2), 'older'],
  ['after the middle', recordedAt(SPENDS / 2), 'newer'],
  ['before the oldest', recordedAt(FIRST + PAGE), 'older'],
];

describe.each<Planning>(['custom', 'generic'])('with a %s plan', (planning) => {
  test.each(PLACES)('a page %s reads what it shows', async (_, place, direction) => {
    for (const scope of SCOPES) {
      const plan = await planOf(planning, pageAt(place, direction, PAGE, scope));
      expect(readWhole(plan)).toEqual([]);
      expect(plan.pages).toBeLessThan(GENEROUS);
    }
  });

  test.each(['older', 'newer'] as const)(
    'a page of what nobody did looks at so many, %s',
    async (direction) => {
      const connection = explaining(sql, planning);
      await pageOfMovementsBy(connection, {
        ...filterOf(),
        kinds: KINDS,
        from: day(1),
        until: NEVER,
        direction,
        limit: PAGE,
        beyond: { bookedAt: recordedAt(SPENDS / 2), version: 0, position: 0 },
        actor: 'nobody',
      });

      expect(connection.plans).toHaveLength(2);
      for (const plan of connection.plans) {
        expect(readWhole(plan)).toEqual([]);
        // Four thousand, at four or five each.
        expect(plan.pages).toBeLessThan(25_000);
      }
    },
  );

  test('balances of its rows read a little for each instant', async () => {
    const instants = Array.from({ length: PAGE }, (_, i) => recordedAt(SPENDS / 2 - i));
    const there = await planOf(planning, (connection) => movementsAt(connection, filterOf(), instants));
    const settled = await planOf(planning, (connection) => settledAt(connection, filterOf(), instants));

    for (const plan of [there, settled]) {
      expect(readWhole(plan)).toEqual([]);
      // Two or three for each of 25 classes of lateness, and for each sub-account.
      expect(plan.pages).toBeLessThan(200 * PAGE);
    }
  });

  test('an instant at which a thousand grants expire reads a little for each', async () => {
    const plan = await planOf(planning, (connection) =>
      movementsAt(connection, filterOf(), [recordedAt(LAST)]),
    );

    expect(readWhole(plan)).toEqual([]);
    expect(plan.pages).toBeLessThan(40 * EXPIRED);
  });
});

test('all rows at once would read far more', async () => {
  const plan = await planOf('custom', pageAt(NEVER, 'older', 2 * SPENDS));

  expect(plan.pages).toBeGreaterThan(20 * GENEROUS);
});
