import { describe, expect, test } from 'vitest';
import { day } from '../../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { testWorld } from '../../support/world.ts';

/** Windows of time whose bounds are exactly where something is booked, and what is told late around them. */

const { caller, time } = await testWorld();

const bookedAt = (rows: readonly Json[]): readonly number[] =>
  rows.map((row) => (Date.parse(row['bookedAt']) - day(0)) / (day(1) - day(0)));

describe('the journal along one grant or charge', () => {
  const customerId = 'ada';

  /** All rows, one or two a page. */
  async function listed(list: 'entries' | 'transactions', request: object): Promise<readonly Json[]> {
    const rpc = list === 'entries' ? 'ListEntries' : 'ListTransactions';
    const whole = async (pageSize: number) => {
      const rows: Json[] = [];
      for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
        const page = await caller.answer(rpc, { customerId, ...request, pageSize, pageToken });
        rows.push(...(page[list] ?? []));
        pageToken = page['nextPageToken'];
      }
      return rows;
    };
    const [one, two, all] = [await whole(1), await whole(2), await whole(100)];
    expect(one).toEqual(all);
    expect(two).toEqual(all);
    return all;
  }

  test('leaves out what was told in a window and booked before it, or told and booked after it', async () => {
    time.now = day(1);
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
    const { charge } = await caller.answer('CreateCharge', {
      ...spendRequest({ customerId, amount: '50' }),
      type: 'CHARGE_TYPE_USAGE_BASED',
      ...CREDIT_ONLY,
    });
    for (const [told, booked] of [
      [2, 2],
      [4, 4],
      [5, 3],
      [6, 6],
      [7, 2],
      [8, 8],
    ] as const) {
      time.now = day(told);
      const collected = { customerId, chargeId: charge.id, amount: '1', bookedAt: at(day(booked)) };
      await caller.answer('CollectCharge', collected);
    }
    const window = { bookedFrom: at(day(3)), bookedTo: at(day(8)) };

    for (const along of [
      { grantId: grant.id },
      { chargeId: charge.id },
      { grantId: grant.id, chargeId: charge.id },
    ]) {
      const legs = await listed('entries', { ...along, ...window });
      expect(bookedAt(legs), JSON.stringify(along)).toEqual([4, 4, 3, 3, 6, 6]);
      const transactions = await listed('transactions', { ...along, ...window });
      expect(bookedAt(transactions), JSON.stringify(along)).toEqual([4, 3, 6]);
      const before = { ...along, bookedTo: at(day(4)), knownAt: at(day(7) - 1) };
      expect(bookedAt(await listed('transactions', before)).slice(-2), JSON.stringify(along)).toEqual([2, 3]);
    }
  });
});

describe('a window that ends a millisecond behind what was told on time', () => {
  test('has it, and one that ends there has not', async () => {
    const customerId = 'on time';
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    time.now = day(2);
    await caller.answer('ConsumeCredits', spendRequest({ customerId }));
    time.now = day(4);
    await caller.answer('ConsumeCredits', spendRequest({ customerId }));
    const until = async (bookedTo: number) =>
      bookedAt(
        (await caller.answer('ListTransactions', { customerId, bookedTo: at(bookedTo) }))['transactions'],
      );

    expect(await until(day(2) + 1)).toEqual([1, 2]);
    expect(await until(day(2))).toEqual([1]);
  });
});

describe('what a grant did, as known before it was told of', () => {
  test('leaves that out of the balance of its account', async () => {
    const customerId = 'known earlier';
    time.now = day(1);
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
    time.now = day(5);
    const spend = spendRequest({ customerId, amount: '30', bookedAt: at(day(2)) });
    const { recordedAt } = await caller.answer('ConsumeCredits', spend);
    const balance = async (knownAt: string) => {
      const asked = {
        customerId,
        grantId: grant.id,
        accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO',
        currency: 'USD',
      };
      return (await caller.answer('GetAccountBalance', { ...asked, asOf: at(day(3)), knownAt }))['amount'];
    };

    expect([await balance(at(day(5) - 1)), await balance(recordedAt)]).toEqual(['100', '70']);
  });
});

describe('what falls due at the very instant asked about, as known before the last write', () => {
  test.each([
    ['is issued', { effectiveAt: at(day(5)) }, ['0', '100']],
    ['has expired', { expiresAt: at(day(5)) }, ['100', '0']],
  ])('%s by then, and not a millisecond before', async (_, times, expected) => {
    const namespace = `due-${expected.join('-')}`;
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ namespace, ...times }));
    time.now = day(3);
    await caller.answer('CreateGrant', grantRequest({ namespace, currency: 'EUR' }));
    const held = async (asOf: number): Promise<string> => {
      const { rows } = await caller.answer('GetTrialBalance', {
        namespace,
        asOf: at(asOf),
        knownAt: at(day(2)),
        currency: 'USD',
      });
      const fbo = (rows as Json[] | undefined)?.find(
        (row) => row['accountType'] === 'ACCOUNT_TYPE_CUSTOMER_FBO',
      );
      return fbo?.['amount'] ?? '0';
    };

    expect([await held(day(5) - 1), await held(day(5))]).toEqual(expected);
  });
});

describe('a collection told late', () => {
  test('counts from when it was booked, as known at the very write that told it', async () => {
    const customerId = 'late';
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    const { charge } = await caller.answer('CreateCharge', {
      ...spendRequest({ customerId, amount: '50' }),
      type: 'CHARGE_TYPE_USAGE_BASED',
      ...CREDIT_ONLY,
    });
    time.now = day(6);
    const collected = { customerId, chargeId: charge.id, amount: '20', bookedAt: at(day(3)) };
    const { recordedAt } = await caller.answer('CollectCharge', collected);
    time.now = day(8);
    await caller.answer('CollectCharge', { ...collected, amount: '5', bookedAt: at(day(7)) });

    const timeline = async (knownAt: string) => {
      const { points } = await caller.answer('GetBalanceTimeline', {
        customerId,
        from: at(day(2)),
        to: at(day(5)),
        knownAt,
      });
      return JSON.stringify(points);
    };
    const [before, then] = [await timeline(at(day(6) - 1)), await timeline(recordedAt)];
    expect(then).toBe(await timeline(at(day(9))));
    expect(then).not.toBe(before);
  });
});
