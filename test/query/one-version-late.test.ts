import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Answers at the very edges of what is known: the version that tells a thing, and the last one there is. */

const { caller, time } = await testWorld();

describe('a grant that was voided, with writes behind the void', () => {
  const customerId = 'voided';
  const grantAt = async (id: string, knownAt: string): Promise<Json> =>
    (await caller.answer('GetGrant', { customerId, grantId: id, knownAt }))['grant'];

  test('is voided as known at the very write that voided it, and not a millisecond before', async () => {
    time.now = day(1);
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
    time.now = day(2);
    const { recordedAt } = await caller.answer('VoidGrant', { customerId, grantId: grant.id });
    for (const later of [3, 4]) {
      time.now = day(later);
      await caller.answer('ConsumeCredits', spendRequest({ customerId, ...CREDIT_ONLY }));
    }

    expect(Date.parse(recordedAt)).toBe(day(2));
    expect(await grantAt(grant.id, recordedAt)).toMatchObject({
      status: 'GRANT_STATUS_VOIDED',
      voidedAmount: '100',
      remainingAmount: '0',
      voidedAt: recordedAt,
    });
    const before = await grantAt(grant.id, at(day(2) - 1));
    expect(before).toMatchObject({
      status: 'GRANT_STATUS_ACTIVE',
      voidedAmount: '0',
      remainingAmount: '100',
    });
    expect(before['voidedAt']).toBeUndefined();
  });

  test('is listed as voided at the very instant of the void, and as active until then', async () => {
    const listed = async (status: string, moment: object) => {
      const statuses = [`GRANT_STATUS_${status}`];
      const { grants = [] } = await caller.answer('ListGrants', { customerId, statuses, ...moment });
      return (grants as Json[]).length;
    };
    for (const [instant, active, voided] of [
      [day(2) - 1, 1, 0],
      [day(2), 0, 1],
    ] as const) {
      for (const moment of [{ asOf: at(instant) }, { knownAt: at(instant) }]) {
        const found = [await listed('ACTIVE', moment), await listed('VOIDED', moment)];
        expect(found, JSON.stringify(moment)).toEqual([active, voided]);
      }
    }
  });
});

describe('a grant that lies ahead, with a write behind it', () => {
  test.each([
    ['before its beginning', { effectiveAt: at(day(9)) }],
    ['before its end', { expiresAt: at(day(9)) }],
  ])('is known as it was then %s', async (when, times) => {
    const customerId = `ahead ${when}`;
    time.now = day(1);
    const { grant, recordedAt } = await caller.answer('CreateGrant', grantRequest({ customerId, ...times }));
    time.now = day(2);
    await caller.answer('CreateGrant', grantRequest({ customerId, name: 'another' }));

    const asked = { customerId, grantId: grant.id, knownAt: recordedAt };
    expect((await caller.answer('GetGrant', { ...asked, asOf: recordedAt }))['grant']).toEqual(grant);
  });
});

describe('a grant that has expired, with writes behind the one that booked it', () => {
  test('is known as expired by that write, and by none before', async () => {
    const customerId = 'booked as expired';
    time.now = day(1);
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId, expiresAt: at(day(3)) }));
    for (const later of [5, 6]) {
      time.now = day(later);
      await caller.answer('CreateGrant', grantRequest({ customerId }));
    }

    for (const [asOf, status, expiredAmount] of [
      [day(5), 'GRANT_STATUS_EXPIRED', '100'],
      [day(3) - 1, 'GRANT_STATUS_ACTIVE', '0'],
    ] as const) {
      const asked = { customerId, grantId: grant.id, asOf: at(asOf), knownAt: at(day(5)) };
      expect((await caller.answer('GetGrant', asked))['grant']).toMatchObject({ status, expiredAmount });
    }
  });
});

describe('a grant that has expired, and consumptions told late from before', () => {
  test('may be taken until nothing of it is left: what one took back from the expiry is taken once', async () => {
    const customerId = 'expired';
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId, expiresAt: at(day(3)) }));
    time.now = day(5);
    const told = (amount: string) =>
      caller.result('ConsumeCredits', spendRequest({ customerId, amount, bookedAt: at(day(2)) }));

    expect(await told('30')).toMatchObject({ ok: true });
    expect(await told('50')).toMatchObject({ ok: true });
    expect(await told('21')).toMatchObject({ ok: false, error: { metadata: { eligible: '20' } } });
    expect(await told('20')).toMatchObject({ ok: true });
  });
});

describe('accounts between the last two writes, the last told late', () => {
  const customerId = 'late';
  const asOf = at(day(3));
  const FBO = { accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO', currency: 'USD' };

  test('hold what the last write told: the list, the sum and the trial balance alike', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    time.now = day(4);
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '40', bookedAt: at(day(2)) }));

    expect(await caller.answer('GetAccountBalance', { customerId, ...FBO, asOf })).toMatchObject({
      amount: '60',
    });
    const { accounts } = await caller.answer('ListAccounts', { customerId, asOf });
    const ofCustomer = (accounts as Json[]).filter(({ accountType }) => accountType === FBO.accountType);
    expect(ofCustomer.map(({ balance }) => balance)).toEqual(['60']);
    const { rows } = await caller.answer('GetTrialBalance', { customerId, asOf });
    expect(rows).toContainEqual({ ...FBO, amount: '60' });
    expect(rows).toContainEqual({
      accountType: 'ACCOUNT_TYPE_CUSTOMER_ACCRUED',
      currency: 'USD',
      amount: '40',
    });
  });
});
