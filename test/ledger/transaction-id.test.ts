import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idOf, uuidOf } from '../../src/id.ts';
import { idIn, placeAt, uuidAt } from '../../src/ledger/transaction-id.ts';
import { postRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

const { caller, sql } = await testWorld();

const PLACE = fc.record({
  bookId: fc.maxSafeNat(),
  version: fc.nat({ max: 2 ** 31 - 1 }).map((version) => version * 127),
  ordinal: fc.nat({ max: 2 ** 24 - 1 }),
});

test('an id holds its place, as a UUIDv8', () => {
  fc.assert(
    fc.property(PLACE, (place) => {
      const uuid = uuidAt(place);
      expect(uuid).toMatch(/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
      expect(placeAt(uuid)).toEqual(place);
    }),
  );
});

test('other digits hold none, and what has no room gets no id', () => {
  fc.assert(
    fc.property(fc.uuid({ version: [1, 4, 7] }), (uuid) => {
      expect(placeAt(uuid.replaceAll('-', ''))).toBeNull();
    }),
  );
  const uuid = uuidAt({ bookId: 5, version: 7, ordinal: 1 });
  expect(placeAt(`${uuid.slice(0, 15)}1${uuid.slice(16)}`)).toBeNull();
  expect(placeAt(`${uuid.slice(0, 16)}c${uuid.slice(17)}`)).toBeNull();
  expect(() => uuidAt({ bookId: 5, version: 2 ** 38, ordinal: 1 })).toThrow(/invariant/);
});

test('Postgres makes the same of a row', async () => {
  const places = fc.sample(PLACE, 200);
  const rows = await sql.rows<{ id: string }>(
    `select ${idIn('t')} as id
     from unnest($1::bigint[], $2::bigint[], $3::integer[]) t (book_id, version, ordinal)
     cross join lateral (select null::uuid as id) none`.replaceAll('t.id', 'none.id'),
    [places.map((p) => p.bookId), places.map((p) => p.version), places.map((p) => p.ordinal)],
  );
  expect(rows.map(({ id }) => uuidOf(idOf('txn', id)))).toEqual(places.map(uuidAt));
});

/** What the callers of one id of a book are told. */
async function told(customerId: string, transactionId: string) {
  const refusals = [];
  for (const rpc of ['GetTransaction', 'ReverseTransaction']) {
    refusals.push((await caller.refusal(rpc, { customerId, transactionId })).reason);
  }
  refusals.push((await caller.refusal('ListEntries', { customerId, transactionId })).reason);
  return refusals;
}

test('an id that names the place of another book, or none, is not known', async () => {
  const { transaction } = await caller.answer('PostTransaction', postRequest({ customerId: 'one' }));
  await caller.answer('PostTransaction', postRequest({ customerId: 'two' }));
  const unknown = Array.from({ length: 3 }, () => 'TRANSACTION_NOT_FOUND');
  const { id } = transaction;
  const place = placeAt(uuidOf(id))!;

  expect(await told('two', id)).toEqual(unknown);
  expect(await told('one', idOf('txn', uuidAt({ ...place, ordinal: 2 })))).toEqual(unknown);
  expect(await told('one', idOf('txn', uuidAt({ ...place, version: 99 })))).toEqual(unknown);
});

test('an id of before is good for what it was, and its place is not known by another', async () => {
  const customerId = 'before';
  const { transaction } = await caller.answer('PostTransaction', postRequest({ customerId }));
  const uuid = '0199a3c2f0007000800000000000beef';
  await sql.rows('grant update on transactions to current_user');
  await sql.rows(
    `update transactions t set id = $1 from books b where b.id = t.book_id and b.customer_id = $2`,
    [uuid, customerId],
  );
  const id = idOf('txn', uuid);

  const found = await caller.answer('GetTransaction', { customerId, transactionId: id });
  expect(found['transaction']).toMatchObject({ id, groupId: id });
  expect(await told(customerId, transaction.id)).toEqual(
    Array.from({ length: 3 }, () => 'TRANSACTION_NOT_FOUND'),
  );
  const { transaction: reversal } = await caller.answer('ReverseTransaction', {
    customerId,
    transactionId: id,
  });
  expect(reversal).toMatchObject({ reversedTransactionId: id });
  const { entries } = await caller.answer('ListEntries', { customerId, transactionId: id });
  expect(entries).toHaveLength(2);
});
