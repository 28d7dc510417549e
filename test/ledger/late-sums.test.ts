import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { formatAmount, parseAmount, type Amount } from '../../src/amount.ts';
import { connect } from '../../src/db/database.ts';
import { idOf } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import { accountTotals } from '../../src/ledger/account-totals.ts';
import type { JournalPoint } from '../../src/ledger/as-of.ts';
import { grantTotals, lateGrants } from '../../src/ledger/grant-totals.ts';
import { settledAt } from '../../src/ledger/settled.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { day } from '../support/builders.ts';
import { foundWhile } from '../support/damage.ts';
import { liveLate, randomFrom } from '../support/late-history.ts';
import { staleLateSums } from '../support/rebuilt.ts';
import { at } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { undone } from '../support/sql.ts';
import { asking, transactionsOf } from '../support/transactions-rows.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A long history told late, of more versions than a large block of late sums has: read at random, against its entries. */

const { caller, time, sql, databaseUrl, url } = await testWorld();
const database = connect({ url: databaseUrl, poolSize: 2 });
afterAll(() => database.close());
const transactions = transactionsOf({ url });

const COMMANDS = 4_300;
const SEED = 20_261_128;
const CUSTOMER = 'late';
const from = day(1);
let until: Instant;
let book: { shard: number; bookId: number; version: number };

beforeAll(async () => {
  until = await liveLate(databaseUrl, CUSTOMER, { from, commands: COMMANDS, seed: SEED });
  time.now = until + 1;
  const [row] = await sql.rows<{ shard: number; id: number; version: number }>('select * from books');
  book = { shard: row!.shard, bookId: row!.id, version: row!.version };
}, 240_000);

/** Points of both axes anywhere in the history. */
async function points(count: number, seed: number): Promise<readonly JournalPoint[]> {
  const random = randomFrom(seed);
  const writes = await sql.rows<{ version: number; recorded_at: Instant }>(
    'select version, recorded_at from writes order by version',
  );
  return Array.from({ length: count }, () => {
    const known = random(3) === 0 ? writes.at(-1)! : writes[random(writes.length)]!;
    const instant = from + random(known.recorded_at - from + 1);
    const recordedBy = writes.findLast((write) => write.recorded_at <= instant)?.version ?? 0;
    return { ...book, asOf: instant, recordedBy, version: known.version };
  });
}

const TOLD = `from entries e
  join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
  where e.version <= $1 and e.booked_at <= $2`;
const SETTLED = `(s.type = 'CUSTOMER_FBO' or (s.type = 'CUSTOMER_RECEIVABLE' and s.cost_basis is null))`;
const addedUp = (point: JournalPoint, key: string, condition = 'true') =>
  sql.rows<{ key: string; amount: Amount }>(
    `select ${key} as key, sum(e.amount) as amount ${TOLD} and ${condition} group by 1 having sum(e.amount) <> 0 order by 1`,
    [point.version, at(point.asOf)],
  );
const sorted = (rows: readonly { key: string; amount: Amount }[]) =>
  rows.filter(({ amount }) => amount !== 0n).toSorted((a, b) => (a.key < b.key ? -1 : 1));

describe('what was told late', () => {
  test('is summed up as its entries say', async () => {
    const counted = await sql.rows<{ level: number; kind: string; count: number }>(
      'select level, kind, count(*) from late_sums group by 1, 2 order by 1, 2',
    );

    expect(counted.map(({ level, kind }) => `${level} ${kind}`)).toEqual([
      '1 ACCOUNT',
      '1 GRANT',
      '2 ACCOUNT',
      '2 GRANT',
    ]);
    expect(await staleLateSums(sql)).toEqual([]);
  });

  test.each([
    ['a sum', `update late_sums set totals[1] = totals[1] + 1 where block = 20 and level = 1`],
    [
      'an instant',
      `update late_sums set until_at = until_at + interval '1 ms' where block = 0 and level = 2`,
    ],
    ['a block that is missing', `delete from late_sums where block = 9`],
    ['a block of nobody', `update late_summed set below_version = below_version - 64`],
  ])('is noticed where it is stale: %s', async (_, tampering) => {
    const found = await undone(sql, async () => {
      await sql.rows(tampering);
      return staleLateSums(sql);
    });

    expect(found).not.toEqual([]);
  });

  test('counts in settled, accounts and grants at every instant, as known at any', async () => {
    for (const point of await points(60, SEED + 1)) {
      const what = `at ${at(point.asOf)}, version ${point.version}`;
      const [settled, accounts] = await Promise.all([
        settledAt(database, { ...point, scope: ALL, currency: null }, [point.asOf]),
        accountTotals(database, point, { types: [], currency: null }),
      ]);
      const keyed = settled.map(({ currency, amount }) => ({ key: currency, amount }));
      expect(sorted(keyed), what).toEqual(sorted(await addedUp(point, 's.currency', SETTLED)));
      const held = accounts.map(({ id, amount }) => ({ key: id, amount }));
      const expected = (await addedUp(point, 's.id::text')).map((row) => ({
        ...row,
        key: idOf('acc', row.key),
      }));
      expect(sorted(held), what).toEqual(sorted(expected));
    }
  });

  test('counts in what grants hold, and names those that it gave something', async () => {
    const all = await sql.rows<{ id: string }>('select id from grants');
    const ids = all.map(({ id }) => idOf('grt', id));
    for (const point of await points(20, SEED + 2)) {
      const what = `at ${at(point.asOf)}, version ${point.version}`;
      const rows = await addedUp(
        point,
        'e.grant_id::text',
        `s.type = 'CUSTOMER_FBO' and e.grant_id is not null`,
      );
      const expected = new Map(rows.map((row) => [idOf('grt', row.key), row.amount]));
      const then = await grantTotals(database, point, ids);
      const late = await lateGrants(database, point);
      const before = { ...point, version: point.recordedBy };
      const held = await grantTotals(database, before, ids);
      for (const id of ids) {
        expect(then.get(id)!.remaining, `${id} ${what}`).toBe(expected.get(id) ?? 0n);
        const changed = then.get(id)!.remaining !== held.get(id)!.remaining;
        expect(late.includes(id), `${id} ${what}`).toBe(changed);
      }
    }
  });
});

describe('verification', () => {
  const found = (statements: string) => foundWhile({ sql, url }, ['late_sums', 'late_summed'], statements);

  test('finds nothing where all is as its entries say', async () => {
    expect((await verified(url, {})).findings).toEqual([]);
  });

  test.each([
    [
      'a sum that is another',
      'update late_sums set totals[1] = totals[1] + 1 where block = 20 and level = 1',
    ],
    ['a large block that is missing', `delete from late_sums where level = 2 and kind = 'GRANT'`],
    [
      'a row of what nobody told',
      `insert into late_sums select (jsonb_populate_record(l, jsonb_build_object('series', gen_random_uuid()))).*
       from late_sums l where block = 3 and level = 1 and kind = 'GRANT'`,
    ],
    ['rows beyond what is summed up', 'update late_summed set below_version = below_version - 64'],
    ['more than there is', 'update late_summed set below_version = below_version + 640'],
  ])('finds %s', async (_, statements) => {
    const { kinds, findings } = await found(statements);

    expect(findings.length).toBeGreaterThan(0);
    expect(new Set(kinds)).toEqual(new Set(['PROJECTION']));
    expect(findings[0]!.customerId).toBe(CUSTOMER);
  });
});

const SCOPES: readonly Scope[] = [ALL, { kind: 'unrestricted' }, { kind: 'feature', featureKey: 'a' }];

/** Pages from the newest to the oldest, and back again: both have to show the same. */
async function paged(request: object): Promise<readonly Json[]> {
  const rows: Json[] = [];
  let page = await transactions.page(request);
  for (; ; page = await transactions.page({ ...request, pageToken: page.next })) {
    rows.push(...page.rows);
    if (page.next === '') break;
  }
  const back: Json[] = [...page.rows];
  while (page.previous !== '') {
    page = await transactions.page({ ...request, pageToken: page.previous });
    back.unshift(...page.rows);
  }
  expect(back.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
  expect(back).toEqual(rows);
  return rows;
}

describe('the history of a customer', () => {
  test('goes on from row to row in every scope, forwards and back, up to settled', async () => {
    const random = randomFrom(SEED + 3);
    for (const scope of SCOPES) {
      const knownAt = random(2) === 0 ? undefined : until - random(1_000) * 60_000;
      const asked = asking(CUSTOMER, scope, knownAt === undefined ? {} : { knownAt });
      const rows = await paged({ ...asked, pageSize: 400 });
      expect(rows.length).toBeGreaterThan(1_000);
      const { balances } = await caller.answer('GetBalance', { ...asked, asOf: at(time.now) });
      for (const { currency, settled } of balances) {
        const own = rows.filter((row) => row['currency'] === currency);
        expect(own[0]!['balanceAfter']).toBe(settled);
        for (const [i, row] of own.entries()) {
          const before = own[i + 1]?.['balanceAfter'] ?? '0';
          const after = formatAmount(parseAmount(before) + parseAmount(row['amount']));
          expect([row['balanceBefore'], row['balanceAfter']]).toEqual([before, after]);
        }
      }
    }
  });

  test('says the same of a row whatever a page hides, how long it is and where it begins', async () => {
    const random = randomFrom(SEED + 4);
    for (const scope of SCOPES) {
      const asked = asking(CUSTOMER, scope);
      const all = new Map((await paged({ ...asked, pageSize: 1_000 })).map((row) => [row['id'], row]));
      for (const types of [['CONSUMED'], ['FUNDED'], ['EXPIRED', 'FUNDED'], []]) {
        for (const currency of ['', 'EUR']) {
          const { rows } = await transactions.page({
            ...asked,
            types: types.map((type) => `TRANSACTION_TYPE_${type}`),
            currency,
            pageSize: 1 + random(60),
            bookedTo: at(from + random(until - from)),
          });
          expect(rows.length).toBeGreaterThan(0);
          expect(rows).toEqual(rows.map((row) => all.get(row['id'])));
        }
      }
    }
  });
});

describe('dropping what was summed up', () => {
  const asOf = (fraction: number): Instant => from + Math.floor((until - from) * fraction);
  const answers = async () => {
    const rows = [];
    for (const fraction of [0.1, 0.35, 0.6, 0.9]) {
      const then = { customerId: CUSTOMER, asOf: at(asOf(fraction)) };
      const window = { from: at(asOf(fraction)), to: at(asOf(fraction) + 7_200_000) };
      rows.push(
        await caller.answer('GetBalance', then),
        await caller.answer('ExplainBalance', { ...then, currency: 'USD' }),
        await caller.answer('ListGrants', { ...then, pageSize: 20 }),
        await caller.answer('GetBalanceTimeline', { customerId: CUSTOMER, ...window }),
        await caller.answer('GetTrialBalance', then),
        await caller.answer('ListEntries', {
          customerId: CUSTOMER,
          pageSize: 50,
          bookedFrom: window.from,
          bookedTo: window.to,
        }),
        await transactions.page({ customerId: CUSTOMER, bookedTo: window.to, pageSize: 60 }),
      );
    }
    return rows;
  };

  test.each([
    ['all of it', ['delete from late_sums', 'delete from late_summed']],
    ['how far it goes', ['delete from late_summed']],
  ])('changes no answer: %s', async (_, statements) => {
    const before = await answers();
    for (const statement of statements) await sql.rows(statement);

    expect(await answers()).toEqual(before);
    await liveLate(databaseUrl, 'another', { from, commands: 70, seed: SEED });
    expect(await answers()).toEqual(before);
  });
});
