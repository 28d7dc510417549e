import { describe, expect, onTestFinished, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { day } from '../support/builders.ts';
import { figuresAt, grantOf, standingOf } from '../support/figures.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { testService } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** The examples a person can do in the head. */

const { caller, time, databaseUrl } = await testWorld();
const MINUTE = 60_000;

describe('100 now, 50 from a minute on that end after two, and a spend of 30', () => {
  async function given(customerId: string): Promise<number> {
    const now = (time.now = day(1));
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '100' }));
    const later = { effectiveAt: at(now + MINUTE), expiresAt: at(now + 2 * MINUTE) };
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '50', ...later }));
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '30' }));
    return now;
  }

  const expected: readonly [after: number, settled: string, pending: string][] = [
    [0, '70', '50'],
    [MINUTE - 1, '70', '50'],
    [MINUTE, '120', '0'],
    [2 * MINUTE - 1, '120', '0'],
    [2 * MINUTE, '70', '0'],
  ];

  test('are foreseen', async () => {
    const now = await given('foresight');

    for (const [after, settled, pending] of expected) {
      expect(await figuresAt(caller, 'foresight', { asOf: now + after })).toEqual([settled, pending]);
    }
  });

  test('come true by waiting', async () => {
    const now = await given('patience');

    for (const [after, settled, pending] of expected) {
      time.now = now + after;
      expect(await figuresAt(caller, 'patience')).toEqual([settled, pending]);
    }
  });
});

async function indebted(customerId: string): Promise<{ now: number; grantId: string }> {
  const now = (time.now = day(1));
  await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '5', ...CREDIT_ONLY }));
  const { grant } = await caller.answer(
    'CreateGrant',
    grantRequest({
      customerId,
      amount: '10',
      effectiveAt: at(now + MINUTE),
      expiresAt: at(now + 2 * MINUTE),
    }),
  );
  return { now, grantId: grant.id };
}

const breakage = async (customerId: string, asOf?: number) =>
  (
    await caller.answer('GetAccountBalance', {
      customerId,
      currency: 'USD',
      accountType: 'ACCOUNT_TYPE_BREAKAGE',
      ...(asOf !== undefined && { asOf: at(asOf) }),
    })
  )['amount'];

/** Settled, pending and breakage. */
const threeAt = async (asOf: number) => [
  ...(await figuresAt(caller, 'foresight 2', { asOf })),
  await breakage('foresight 2', asOf),
];

describe('an advance of 5, and 10 promised for a minute from now until the next', () => {
  test('leave −5 before, 5 from its instant on, nothing at its expiry, and 5 of breakage', async () => {
    const { now } = await indebted('foresight 2');
    expect(await threeAt(now)).toEqual(['-5', '10', '0']);
    expect(await threeAt(now + MINUTE - 1)).toEqual(['-5', '10', '0']);
    expect(await threeAt(now + MINUTE)).toEqual(['5', '0', '0']);
    expect(await threeAt(now + 2 * MINUTE - 1)).toEqual(['5', '0', '0']);
    expect(await threeAt(now + 2 * MINUTE)).toEqual(['0', '0', '5']);
  });

  test('do so by waiting, too: the grant has consumed 5 and lost 5', async () => {
    const { now, grantId } = await indebted('patience 2');
    time.now = now + MINUTE;
    expect(await figuresAt(caller, 'patience 2')).toEqual(['5', '0']);
    time.now = now + 2 * MINUTE;

    expect(await figuresAt(caller, 'patience 2')).toEqual(['0', '0']);
    expect(await breakage('patience 2')).toBe('5');
    expect(standingOf(await grantOf(caller, 'patience 2', grantId))).toEqual({
      status: 'EXPIRED',
      pending: '0',
      remaining: '0',
      consumed: '5',
      expired: '5',
      voided: '0',
    });
  });

  test('do so with no process running in between', async () => {
    const customerId = 'nobody is there';
    const now = (time.now = day(1));
    const before = await testService(databaseUrl, { clock: time.clock });
    const writer = callerOf(before);
    await writer.answer('ConsumeCredits', spendRequest({ customerId, amount: '5', ...CREDIT_ONLY }));
    const promise = { effectiveAt: at(now + MINUTE), expiresAt: at(now + 2 * MINUTE) };
    await writer.answer('CreateGrant', grantRequest({ customerId, amount: '10', ...promise }));
    await before.stop();
    time.now = now + 3 * MINUTE;
    const after = await testService(databaseUrl, { clock: time.clock });
    onTestFinished(() => after.stop());

    expect(await figuresAt(callerOf(after), customerId)).toEqual(['0', '0']);
    expect(await breakage(customerId)).toBe('5');
    // What nobody wrote while it happened is written by the next write, at its own instants.
    await callerOf(after).answer('CreateGrant', grantRequest({ customerId, amount: '1' }));
    const { transactions } = await caller.answer('ListTransactions', { customerId });
    expect(transactions.map(({ kind, bookedAt }: any) => [kind, Date.parse(bookedAt) - now])).toEqual([
      ['TRANSACTION_KIND_CONSUME', 0],
      ['TRANSACTION_KIND_ISSUE', MINUTE],
      ['TRANSACTION_KIND_COVER', MINUTE],
      ['TRANSACTION_KIND_EXPIRE', 2 * MINUTE],
      ['TRANSACTION_KIND_ISSUE', 3 * MINUTE],
    ]);
  });
});
