import { beforeAll, expect, test } from 'vitest';
import type { Statement } from '../../src/db/database.ts';
import { FindingKind } from '#gen/ledger/v1/verify_pb.ts';
import { allowDamage, rowOf, verifiedAfter, type Damage } from '../support/damage.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';
import { idIn } from '../../src/ledger/transaction-id.ts';

/** What a finding tells whoever is woken by it. */

const seen: Statement<unknown>[] = [];
const world = await testWorld({ onStatement: (statement) => seen.push(statement) });
const { sql, url } = world;
const one = rowOf(sql);
beforeAll(() => allowDamage(sql));

test('a finding about an entry names it, and says what should be and what is', async () => {
  const damage = one(
    `update entries set running_total = running_total + 1 where book_id = $1 and version = 14 and position = 1`,
  );
  const { findings } = await verifiedAfter(world, 'entry', damage);
  const [transaction] = await sql.rows<{ id: string }>(
    `select replace(${idIn('t')}::text, '-', '') as id from transactions t join books b on b.id = t.book_id
     where b.customer_id = 'entry' and t.version = 14`,
  );

  expect(findings).toMatchObject([
    {
      kind: FindingKind.RUNNING_TOTAL,
      customerId: 'entry',
      transactionId: `txn_${transaction!.id}`,
      entryId: `ent_${transaction!.id}_1`,
      version: 14n,
      expected: '-107',
      actual: '-106',
      message: 'entry 1 of version 14: its running total is -106, the entries up to it add up to -107',
    },
  ]);
});

test('a finding about a projection names the columns that are off', async () => {
  let named = '';
  const damage: Damage = async (book, story) => {
    named = story.paid;
    const text = `update grants set remaining = remaining + 1, consumed = consumed - 1 where book_id = $1 and id = $2`;
    await one(text, () => [named])(book, story);
  };
  const { findings } = await verifiedAfter(world, 'grant', damage);

  expect(findings).toMatchObject([
    {
      kind: FindingKind.PROJECTION,
      customerId: 'grant',
      grantId: named,
      version: 15n,
      expected: 'remaining 0, consumed 100',
      actual: 'remaining 1, consumed 99',
      message: `grant ${named} has remaining 1, consumed 99; facts and entries give remaining 0, consumed 100`,
    },
  ]);
});

test('a change that does not cover its tracks shows once under each kind it breaks, at the same place', async () => {
  const damage = one(
    `update entries set amount = amount + 1 where book_id = $1 and version = 14 and position = 1`,
  );
  const { findings, kinds } = await verifiedAfter(world, 'amount', damage);

  expect(kinds).toHaveLength(3);
  expect(new Set(kinds)).toEqual(new Set(['HASH_CHAIN', 'RUNNING_TOTAL', 'UNBALANCED_TRANSACTION']));
  expect(new Set(findings.map(({ transactionId }) => transactionId)).size).toBe(1);
});

test('damage in one book is not told of another', async () => {
  const damage = one(`update books set head_hash = sha256(head_hash) where id = $1`);
  await verifiedAfter(world, 'damaged', damage);
  await verifiedAfter(world, 'sound', async () => {});

  expect((await verified(url, { customerId: 'sound' })).findings).toEqual([]);
  const { findings } = await verified(url, {});
  expect(findings.filter(({ customerId }) => customerId === 'sound')).toEqual([]);
  expect(findings.filter(({ customerId }) => customerId === 'damaged')).toHaveLength(1);
});

test('every statement names the shard, and keeps one text under its name', async () => {
  seen.length = 0;
  await verified(url, { customerId: 'sound' });
  // What a cursor fetches was named when it was declared.
  const asked = seen.filter(({ name }) => !/^(begin|now|fetch_)/.test(name));

  expect(asked.length).toBeGreaterThan(15);
  expect(asked.filter(({ text }) => !/\bshard\b/.test(text))).toEqual([]);
  const texts = Map.groupBy(asked, ({ name }) => name);
  expect([...texts.values()].filter((uses) => new Set(uses.map(({ text }) => text)).size > 1)).toEqual([]);
});
