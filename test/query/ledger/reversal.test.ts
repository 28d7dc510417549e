import { describe, expect, test } from 'vitest';
import { audit } from '../../support/audit.ts';
import { day } from '../../support/builders.ts';
import { at, grantRequest, postRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { stateOf, undone } from '../../support/sql.ts';
import { testWorld } from '../../support/world.ts';

/** The reversal of a whole manual posting: linked entry by entry, booked now, once. */

const { caller, sql, time } = await testWorld();

async function posted(given: object = {}): Promise<Json> {
  return (await caller.answer('PostTransaction', postRequest(given)))['transaction'];
}

const totalsOf = async (customerId: string, more: object = {}) =>
  (await caller.answer('GetTrialBalance', { customerId, ...more }))['rows'].map(
    ({ amount }: Json) => amount,
  ) as string[];

test('takes back every entry, now, and names what it takes back', async () => {
  const customerId = 'linked';
  time.now = day(2);
  const made = await posted({ customerId, bookedAt: at(day(1)) });
  time.now = day(3);
  const { transaction, version, recordedAt } = await caller.answer('ReverseTransaction', {
    customerId,
    transactionId: made['id'],
    reason: 'a slip',
    idempotencyKey: 'r',
  });

  expect(transaction).toMatchObject({
    kind: 'TRANSACTION_KIND_REVERSE',
    reason: 'a slip',
    idempotencyKey: 'r',
    reversedTransactionId: made['id'],
    bookedAt: '2026-01-03T00:00:00Z',
    version,
  });
  expect(recordedAt).toBe('2026-01-03T00:00:00Z');
  expect(transaction.entries).toMatchObject(
    made['entries'].map(({ id, accountId, route, amount }: Json) => ({
      accountId,
      route,
      reversedEntryId: id,
      amount: String(-Number(amount)),
    })),
  );
  expect(await totalsOf(customerId)).toEqual(['0', '0']);
  expect(await totalsOf(customerId, { asOf: at(day(3) - 1) })).toEqual(['-10', '10']);
  const read = await caller.answer('GetTransaction', { customerId, transactionId: transaction.id });
  expect(read['transaction']).toEqual(transaction);
});

describe('is done once', () => {
  test('with a key, a repeat gets the first answer and changes nothing', async () => {
    const customerId = 'repeated';
    const { id } = await posted({ customerId });
    const request = { customerId, transactionId: id, idempotencyKey: 'r' };
    const first = await caller.answer('ReverseTransaction', request);
    const before = await stateOf(sql);

    expect(await caller.answer('ReverseTransaction', request)).toEqual({ ...first, replayed: true });
    expect(await caller.refusal('ReverseTransaction', { ...request, reason: 'another' })).toMatchObject({
      reason: 'IDEMPOTENCY_KEY_REUSED',
      metadata: { key: 'r', field: 'reason' },
    });
    expect(await stateOf(sql)).toEqual(before);
  });

  test('a second one with another key, or none, is refused', async () => {
    const customerId = 'twice';
    const { id } = await posted({ customerId });
    const request = { customerId, transactionId: id };
    await caller.answer('ReverseTransaction', { ...request, idempotencyKey: 'first' });

    for (const more of [{ idempotencyKey: 'second' }, {}]) {
      expect(await caller.refusal('ReverseTransaction', { ...request, ...more })).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'ROUTING_RULE',
        metadata: { id, state: 'REVERSED' },
      });
    }
  });

  test('of many at the same time one succeeds', async () => {
    const customerId = 'raced';
    const { id } = await posted({ customerId });
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        caller.result('ReverseTransaction', { customerId, transactionId: id }),
      ),
    );

    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await totalsOf(customerId)).toEqual(['0', '0']);
  });

  test('the database keeps it, whoever writes', async () => {
    const customerId = 'kept';
    const { id } = await posted({ customerId });
    await caller.answer('ReverseTransaction', { customerId, transactionId: id });
    const again = (kind: string) =>
      undone(sql, () =>
        sql.rows(
          `insert into entries (shard, book_id, version, position, transaction, sub_account, kind, amount,
             running_total, booked_at, reversed_version, reversed_position)
           select e.shard, e.book_id, e.version + 1, e.position, e.transaction, e.sub_account, $1, e.amount,
             e.running_total, e.booked_at, e.reversed_version, e.reversed_position
           from entries e join books b on b.shard = e.shard and b.id = e.book_id
           where b.customer_id = $2 and e.kind = 'REVERSE'`,
          [kind, customerId],
        ),
      );

    await expect(again('REVERSE')).rejects.toThrow(/entries_reversed_once/);
    // Corrections may take one entry back in several parts.
    await expect(again('CORRECT')).resolves.toEqual([]);
  });
});

describe('is refused', () => {
  test('of a transaction that is not manual, a reversal among them', async () => {
    const customerId = 'kinds';
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    const { id: transactionId } = await posted({ customerId });
    const { transaction } = await caller.answer('ReverseTransaction', { customerId, transactionId });
    const { transactions } = await caller.answer('ListTransactions', { customerId });

    for (const [id, state] of [
      [transactions[0].id, 'ISSUE'],
      [transaction.id, 'REVERSE'],
    ]) {
      expect(await caller.refusal('ReverseTransaction', { customerId, transactionId: id })).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'ROUTING_RULE',
        metadata: { id, state },
      });
    }
  });

  test('of what the customer does not have', async () => {
    const { id } = await posted({ customerId: 'owner' });
    await posted({ customerId: 'stranger' });

    for (const transactionId of [id, `txn_${'0'.repeat(32)}`, 'nonsense']) {
      for (const customerId of ['stranger', 'nobody']) {
        expect(await caller.refusal('ReverseTransaction', { customerId, transactionId })).toMatchObject({
          code: 'NOT_FOUND',
          reason: 'TRANSACTION_NOT_FOUND',
          metadata: { id: transactionId },
        });
      }
    }
  });
});

test('books what has fallen due under the same write, in one group', async () => {
  const customerId = 'due';
  time.now = day(3);
  await caller.answer('CreateGrant', grantRequest({ customerId, expiresAt: at(day(4)) }));
  const { id } = await posted({ customerId });
  time.now = day(5);
  const { transaction } = await caller.answer('ReverseTransaction', { customerId, transactionId: id });
  const group = { customerId, groupId: transaction.groupId };
  const { transactions } = await caller.answer('ListTransactions', group);

  expect(transactions.map(({ kind, bookedAt }: Json) => [kind, bookedAt])).toEqual([
    ['TRANSACTION_KIND_EXPIRE', '2026-01-04T00:00:00Z'],
    ['TRANSACTION_KIND_REVERSE', '2026-01-05T00:00:00Z'],
  ]);
});

test('of postings that are alike each is taken back by itself, and nothing of what fell due under its write', async () => {
  const customerId = 'alike';
  time.now = day(3);
  await caller.answer('CreateGrant', grantRequest({ customerId, expiresAt: at(day(4)) }));
  time.now = day(5);
  // The expiry is booked under the first of them.
  const made = [await posted({ customerId }), await posted({ customerId }), await posted({ customerId })];

  expect(made.map(({ position }) => position)).toEqual([2, 1, 1]);
  for (const { id, entries } of [made[1]!, made[0]!, made[2]!]) {
    const reversal = { customerId, transactionId: id };
    const { transaction } = await caller.answer('ReverseTransaction', reversal);
    expect(transaction.entries.map(({ reversedEntryId }: Json) => reversedEntryId)).toEqual(
      entries.map((entry: Json) => entry['id']),
    );
    expect((await caller.refusal('ReverseTransaction', reversal)).reason).toBe('ROUTING_RULE');
  }
});

test('the rows it all left behind are sound', async () => {
  expect(await audit(sql)).toEqual([]);
});
