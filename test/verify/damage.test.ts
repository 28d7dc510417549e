import { beforeAll, describe, expect, test } from 'vitest';
import { allowDamage, rehash, relay, retotal, rowOf, verifiedAfter, type Damage } from '../support/damage.ts';
import { testWorld } from '../support/world.ts';

/**
 * Each kind of damage is found as what it is, once, and as nothing else. Where it leads to more (a changed amount is a
 * changed sum, too), the damage is that of somebody who recomputed what follows.
 */

const world = await testWorld();
const { sql } = world;
const one = rowOf(sql);
beforeAll(() => allowDamage(sql));

const all =
  (...steps: Damage[]): Damage =>
  async (book, story) => {
    for (const step of steps) await step(book, story);
  };
const totals: Damage = (book) => retotal(sql, book);
const hashes: Damage = (book) => rehash(sql, book);
const places: Damage = (book) => relay(sql, book);

const MANUAL = 'book_id = $1 and version = 14';
const LAST = 'book_id = $1 and version = 15';

const KINDS: Readonly<Record<string, Readonly<Record<string, Damage>>>> = {
  UNBALANCED_TRANSACTION: {
    'an amount': all(
      one(`update entries set amount = amount + 1 where ${MANUAL} and position = 2`),
      totals,
      hashes,
    ),
    'an entry that is gone': all(
      one(`delete from entries where ${MANUAL} and position = 2`),
      places,
      totals,
      hashes,
    ),
  },
  GRANT_IDENTITY: {
    'a part': one(`update grants set remaining = remaining + 1 where book_id = $1 and id = $2`, (s) => [
      s.promised,
    ]),
    'the amount of all, with a part': all(
      one(
        `update grants set amount = amount + 5, consumed = consumed + 5 where book_id = $1 and id = $2`,
        (s) => [s.paid],
      ),
      hashes,
    ),
  },
  RUNNING_TOTAL: {
    'of a sub-account': one(
      `update entries set running_total = running_total + 1 where ${MANUAL} and position = 1`,
    ),
    'of a grant': one(
      `update entries set grant_remaining = grant_remaining + 1 where book_id = $1 and version = 7 and position = 1`,
    ),
    'of a grant, not told': one(
      `update entries set grant_remaining = null where book_id = $1 and version = 7 and position = 1`,
    ),
    'of a grant, where there is none': one(
      `update entries set grant_remaining = 1 where ${MANUAL} and position = 1`,
    ),
  },
  HASH_CHAIN: {
    'a hash': one(`update transactions set hash = sha256(hash) where ${MANUAL}`),
    'the last hash': one(`update transactions set hash = sha256(hash) where ${LAST}`),
    'what was written': one(`update transactions set reason = 'nothing' where ${MANUAL}`),
    'what was written last': one(`update transactions set reason = 'nothing' where ${LAST}`),
    'what an entry takes back': one(
      `update entries set reversed_position = 9 where book_id = $1 and version = 9 and position = 2`,
    ),
    'a transaction that is gone': all(
      one(`delete from transactions where ${MANUAL}`),
      async ({ id }) => void (await sql.rows(`delete from entries where ${MANUAL}`, [id])),
      totals,
    ),
    'the last transaction gone': all(one(`delete from transactions where ${LAST}`), async ({ id }) => {
      await sql.rows(`delete from entries where ${LAST}`, [id]);
    }),
    'the name of a grant': one(`update grants set name = 'forged' where book_id = $1 and id = $2`, (s) => [
      s.paid,
    ]),
    'its priority': one(`update grants set priority = 3 where book_id = $1 and id = $2`, (s) => [s.paid]),
    'its purchase amount': one(
      `update grants set purchase_amount = purchase_amount + 1 where book_id = $1 and id = $2`,
      (s) => [s.paid],
    ),
    'its tax': one(`update grants set tax_code = 'forged' where book_id = $1 and id = $2`, (s) => [s.paid]),
    'what was agreed of a grant that waits': one(
      `update grants set labels = '{"forged": "yes"}' where book_id = $1 and id = $2`,
      (s) => [s.waiting],
    ),
    'the name of a charge': one(`update charges set name = 'forged' where book_id = $1 and id = $2`, (s) => [
      s.debt,
    ]),
    'its key': one(`update charges set idempotency_key = 'forged' where book_id = $1 and id = $2`, (s) => [
      s.open,
    ]),
    'the answer under its key': one(
      `update writes set idempotency_key = 'k', request = '', answer = 'forged' where ${MANUAL}`,
    ),
    'a forgotten answer that nobody gave': one(
      `update writes set idempotency_key = 'k', request = null, answer = sha256('forged') where ${MANUAL}`,
    ),
    'the RPC of a write': one(`update writes set method = 'VoidGrant' where ${MANUAL}`),
    'who made a write': one(`update writes set caller = 'somebody else' where ${MANUAL}`),
    'on whose behalf it was made': one(`update writes set actor = 'jane' where ${MANUAL}`),
    'which request made it': one(
      `update writes set request_uuid = null, request_text = 'another' where ${MANUAL}`,
    ),
    'that anybody made it': one(
      `update writes set caller = null, actor = null, request_uuid = null, request_text = null where ${LAST}`,
    ),
    'the salt of a write': one(`update writes set salt = sha256(salt) where ${LAST}`),
    'the format of a write': one(`update writes set format = 3 where ${LAST}`),
    'the head of the book': one(`update books set head_hash = sha256(head_hash) where id = $1`),
  },
  VERSION_GAP: {
    'a write that is gone': one(`delete from writes where ${MANUAL}`),
    'the last write gone': one(`delete from writes where ${LAST}`),
  },
  FUTURE_ENTRY: {
    'an entry': one(
      `update entries set booked_at = booked_at + interval '1 day' where ${MANUAL} and position = 1`,
    ),
    'a whole transaction': all(
      one(`update transactions set booked_at = booked_at + interval '1 day' where ${MANUAL}`),
      async ({ id }) => {
        await sql.rows(`update entries set booked_at = booked_at + interval '1 day' where ${MANUAL}`, [id]);
      },
      hashes,
    ),
  },
  DANGLING_ROW: {
    'a grant that is gone': all(
      one(`delete from grants where book_id = $1 and id = $2`, (s) => [s.expired]),
      hashes,
    ),
    'a charge that is gone': all(
      one(`delete from charges where book_id = $1 and id = $2`, (s) => [s.debt]),
      hashes,
    ),
    'an answer that nobody gave': one(
      `insert into idempotency (book_id, shard, key, method, request, answer, recorded_at)
       select $1, b.shard, 'k', 'VoidGrant', '', '', now() from books b where b.id = $1`,
    ),
    'an answer beside that of a write': all(
      one(`update writes set idempotency_key = 'k', request = '', answer = '' where ${LAST}`),
      hashes,
      one(
        `insert into idempotency (book_id, shard, key, method, request, answer, recorded_at)
         select w.book_id, w.shard, w.idempotency_key, w.method, w.request, w.answer, now() from writes w where ${LAST}`,
      ),
    ),
    'an account that is gone': one(`delete from sub_accounts where book_id = $1 and type = 'BREAKAGE'`),
    'a transaction without entries': all(
      one(`insert into transactions select (jsonb_populate_record(t,
        jsonb_build_object('ordinal', 2, 'id', gen_random_uuid()))).* from transactions t where ${LAST}`),
      hashes,
    ),
    'an entry without its transaction': all(
      one(`insert into entries select (jsonb_populate_record(e, '{"position": 3, "transaction": 2}')).* from entries e
        where ${LAST} and position = 2`),
      totals,
    ),
    'entries of a version nobody wrote': all(
      one(`insert into entries select (jsonb_populate_record(e, '{"version": 16}')).* from entries e
        where ${LAST} and position = 1`),
      one(`insert into transactions select (jsonb_populate_record(t,
        jsonb_build_object('version', 16, 'id', gen_random_uuid()))).* from transactions t where ${LAST}`),
      one(`insert into entries select (jsonb_populate_record(e, '{"version": 16}')).* from entries e
        where ${LAST} and position = 2`),
      totals,
      hashes,
    ),
  },
  ENTRY_COPY: {
    'the kind of an entry': one(`update entries set kind = 'REVERSE' where ${MANUAL} and position = 1`),
    'its instant': one(
      `update entries set booked_at = booked_at - interval '1 ms' where ${MANUAL} and position = 1`,
    ),
    'how late it was told': one(`update entries set late_class = 3 where ${MANUAL} and position = 1`),
    'its place': one(`update entries set position = 9 where ${LAST} and position = 2`),
    'where the entries of a transaction lie': one(
      `update transactions set sub_accounts = array[sub_accounts[2], sub_accounts[1]] where ${MANUAL}`,
    ),
    'that one of them does': one(`update transactions set sub_accounts = sub_accounts[1:1] where ${MANUAL}`),
    'that any of them does': one(`update transactions set sub_accounts = '{}' where ${MANUAL}`),
    'where the first of them lies': one(
      `update transactions set first_position = first_position + 1 where ${MANUAL}`,
    ),
    'the grant of a transaction': one(
      `update transactions set grant_id = null where book_id = $1 and kind = 'EXPIRE'`,
    ),
  },
  RECORDED_AT: {
    'of a write': all(
      one(`update writes set recorded_at = recorded_at - interval '10 days' where ${MANUAL}`),
      hashes,
    ),
    'of a write without transactions': all(
      one(
        `update writes set recorded_at = recorded_at - interval '10 days' where book_id = $1 and version = 6`,
      ),
      hashes,
    ),
  },
};

describe.each(Object.entries(KINDS))('%s', (kind, damages) => {
  test.each(Object.entries(damages))('%s', async (what, damage) => {
    const { findings, kinds } = await verifiedAfter(world, `${kind} ${what}`, damage);

    expect(kinds, findings.map(({ message }) => message).join('\n')).toEqual([kind]);
  });
});

test('many broken hashes are as many findings, and no more', async () => {
  const { kinds } = await verifiedAfter(world, 'many hashes', async ({ id }) => {
    await sql.rows(`update transactions set reason = 'forged' where book_id = $1`, [id]);
  });
  const [{ count } = { count: 0 }] = await sql.rows<{ count: number }>(
    `select count(*) as count from transactions t join books b on b.id = t.book_id where b.customer_id = 'many hashes'`,
  );

  expect(kinds).toEqual(Array.from({ length: count }, () => 'HASH_CHAIN'));
});
