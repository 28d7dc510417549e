import { beforeAll, describe, expect, test } from 'vitest';
import {
  brokenChains,
  brokenGrantRemainders,
  brokenRunningTotals,
  unbalanced,
  versionGaps,
  type Finding,
} from '../support/audit.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { undone, type Sql } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/** What the journal promises, checked on its rows after random histories; each check has a twin that tampers. */

const { caller, time, sql } = await testWorld();

beforeAll(async () => {
  for (const [number, steps] of longHistories(10, 20_260_105).entries()) {
    await playThrough(caller, time, steps, neighbour('customer', number));
  }
});

/** A check with ways to break what it promises. */
const PROMISES: readonly {
  readonly promise: string;
  readonly find: (sql: Sql) => Promise<readonly Finding[]>;
  readonly tampering: Readonly<Record<string, string>>;
}[] = [
  {
    promise: 'every transaction has entries, and they sum to zero in each currency',
    find: unbalanced,
    tampering: {
      'an amount': `update entries set amount = amount + 0.000000000001 where version = 2 and position = 1`,
      'an entry that is gone': `delete from entries where version = 2 and position = 1`,
      'a transaction without entries': `delete from entries where version = 2`,
      'an entry without a transaction': `delete from transactions where version = 2`,
    },
  },
  {
    promise: 'a running total is the sum of its sub-account in version order',
    find: brokenRunningTotals,
    tampering: {
      'a running total': `update entries set running_total = running_total + 1 where version = 2 and position = 1`,
      'an earlier amount': `update entries set amount = amount * 2 where version = 1 and position = 1`,
    },
  },
  {
    promise: 'what remains of a grant is the sum of its FBO entries in version order',
    find: brokenGrantRemainders,
    tampering: {
      'a remainder': `update entries set grant_remaining = grant_remaining + 1 where version = 2`,
      'an FBO entry that does not say': `update entries set grant_remaining = null where version = 2`,
      'another that does': `update entries set grant_remaining = 1 where grant_remaining is null and version = 2`,
    },
  },
  {
    promise: 'versions have no gaps and recorded_at never goes back',
    find: versionGaps,
    tampering: {
      'a write that is gone': `delete from writes where version = 3`,
      'the last write gone': `delete from writes w using books b where b.id = w.book_id and w.version = b.version`,
      'a recorded_at': `update writes set recorded_at = recorded_at - interval '10 years' where version = 3`,
    },
  },
  {
    promise: 'each hash is that of the content and of the hash before it, and the book ends on the last',
    find: brokenChains,
    tampering: {
      'an amount': `update entries set amount = amount * 2 where version = 2`,
      'a grant': `update entries set grant_id = gen_random_uuid() where version = 2 and grant_id is not null`,
      'a sub-account': `update sub_accounts set priority = priority + 1000 where priority is not null`,
      'an instant': `update transactions set booked_at = booked_at - interval '1 ms' where version = 2`,
      'a kind': `update transactions set kind = 'MANUAL' where version = 2`,
      'the last write gone': `delete from writes w using books b
        where b.id = w.book_id and b.head_hash = w.hash`,
      order: `update entries set position = 1000 - position where version = 2`,
    },
  },
];

describe.each(PROMISES)('$promise', ({ find, tampering }) => {
  test('after random histories', async () => {
    expect(await find(sql)).toEqual([]);
  });

  test.each(Object.entries(tampering))('tampering is noticed: %s', async (_, statement) => {
    const found = await undone(sql, async () => {
      // Only its owner can take this back, and only on purpose.
      await sql.rows('grant update, delete on writes, transactions, entries to current_user');
      expect(
        await sql.rows(`with changed as (${statement} returning 1) select count(*) from changed`),
      ).not.toEqual([{ count: 0 }]);
      return find(sql);
    });

    expect(found).not.toEqual([]);
  });
});

test('no entry lies in the future of its recording', async () => {
  expect(await sql.rows('select 1 from transactions where booked_at > recorded_at')).toEqual([]);
  expect(
    await sql.rows(`select 1 from entries e join transactions t using (shard, book_id, version)
      where t.ordinal = e.transaction and (e.booked_at, e.kind) <> (t.booked_at, t.kind)`),
  ).toEqual([]);
});

test('the sum over all accounts of the namespace is zero in each currency at every instant', async () => {
  const rows = await sql.rows(`
    select instant.at, s.currency, sum(e.amount) from (select distinct booked_at as at from entries) instant
    join entries e on e.booked_at <= instant.at
    join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
    group by 1, 2 having sum(e.amount) <> 0`);

  expect(rows).toEqual([]);
});

test('the histories had every kind of transaction that moves credit', async () => {
  const kinds = await sql.rows<{ kind: string }>('select distinct kind from transactions');

  expect(kinds.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining([
      'ADJUST',
      'CONSUME',
      'CORRECT',
      'COVER',
      'EXPIRE',
      'EXPIRE_UNDONE',
      'ISSUE',
      'VOID',
      'PAYMENT_AUTHORIZED',
      'PAYMENT_SETTLED',
    ]),
  );
});
