import { beforeAll, describe, expect, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Two tenants, each with a customer called Ada, whose books lie in one shard: they share nothing but the machine. */

const { caller, time } = await testWorld();
const customerId = 'ada';
const [OURS, THEIRS] = tenants();
const [ours, theirs] = [OURS, THEIRS].map((namespace) => ({ namespace, customerId })) as [Tenant, Tenant];
type Tenant = { readonly namespace: string; readonly customerId: string };

/** Two namespaces in which Ada’s book lies in the same shard. */
function tenants(): readonly [string, string] {
  const names = Array.from({ length: 1_000 }, (_, i) => `tenant-${i}`);
  const shard = shardOf({ namespace: names[0]!, customerId });
  return [names[0]!, names.slice(1).find((namespace) => shardOf({ namespace, customerId }) === shard)!];
}

beforeAll(async () => {
  time.now = day(1);
  await caller.answer('CreateCurrency', { namespace: OURS, code: 'GEMS', name: 'gems', precision: 2 });
  await caller.answer('CreateCurrency', { namespace: THEIRS, code: 'GEMS', name: 'jewels', precision: 0 });
  await caller.answer('CreateCurrency', { namespace: THEIRS, code: 'AREA', name: 'area', precision: 0 });
});

const settledOf = async (tenant: object): Promise<readonly string[]> => {
  const { balances } = await caller.answer('GetBalance', tenant);
  return (balances ?? []).map(({ settled }: Json) => settled);
};

describe('of two customers of the same name', () => {
  test('each key, id and figure is its tenant’s own', async () => {
    const granted = (tenant: Tenant, amount: string) =>
      caller.answer('CreateGrant', grantRequest({ ...tenant, amount, idempotencyKey: 'the key' }));
    const { grant } = await granted(ours, '100');

    expect(await settledOf(theirs)).toEqual([]);
    // Another amount under the same key, and no repeat of ours.
    expect(await granted(theirs, '7')).toMatchObject({ grant: { amount: '7' } });
    expect([await settledOf(ours), await settledOf(theirs)]).toEqual([['100'], ['7']]);
    expect(await granted(ours, '100')).toMatchObject({ replayed: true, grant: { id: grant.id } });
    expect(await caller.refusal('VoidGrant', { ...theirs, grantId: grant.id })).toMatchObject({
      reason: 'GRANT_NOT_FOUND',
    });
  });

  test('several of both in one batch are answered each from its own credit', async () => {
    const spend = (tenant: Tenant) => spendRequest({ ...tenant, amount: '5', idempotencyKey: 'a spend' });
    const requests = [ours, theirs, ours, theirs].map(spend);
    const { results } = await caller.answer('BatchConsumeCredits', { namespace: OURS, requests });

    expect(results.map(({ error, replayed = false }: Json) => [error?.reason, replayed])).toEqual([
      [undefined, false],
      [undefined, false],
      [undefined, true],
      [undefined, true],
    ]);
    expect([await settledOf(ours), await settledOf(theirs)]).toEqual([['95'], ['2']]);
  });

  test('what is scheduled, the accounts of the business and the feed tell one tenant’s', async () => {
    for (const [tenant, amount] of [
      [ours, '11'],
      [theirs, '13'],
    ] as const) {
      await caller.answer('CreateGrant', grantRequest({ ...tenant, amount, effectiveAt: at(day(9)) }));
    }
    for (const [namespace, amount, spent] of [
      [OURS, '11', '5'],
      [THEIRS, '13', '5'],
    ]) {
      const { scheduledGrants } = await caller.answer('ListScheduledGrants', { namespace });
      expect(scheduledGrants.map(({ amount: of }: Json) => of)).toEqual([amount]);
      const { rows } = await caller.answer('GetTrialBalance', { namespace, currency: 'USD' });
      const accrued = (rows as Json[]).filter(
        ({ accountType }) => accountType === 'ACCOUNT_TYPE_CUSTOMER_ACCRUED',
      );
      expect(accrued.map(({ amount: of }) => of)).toEqual([spent]);
    }
  });
});

describe('custom currencies', () => {
  test('are listed of one tenant, and have its precision', async () => {
    const listed = async (namespace: string) =>
      (await caller.answer('ListCurrencies', { namespace }))['currencies'].map(({ code, name }: Json) => [
        code,
        name,
      ]);
    const granted = (namespace: string) =>
      caller.result('CreateGrant', grantRequest({ namespace, currency: 'GEMS', amount: '1.25' }));

    expect(await listed(OURS)).toEqual([['GEMS', 'gems']]);
    expect(await listed(THEIRS)).toEqual([
      ['AREA', 'area'],
      ['GEMS', 'jewels'],
    ]);
    expect(await granted(OURS)).toMatchObject({ ok: true });
    expect(await granted(THEIRS)).toMatchObject({ ok: false, error: { reason: 'TOO_PRECISE' } });
  });

  test('that another tenant has registered are unknown', async () => {
    const area = { currency: 'AREA', amount: '1', customerId: 'cyd' };

    expect(await caller.refusal('CreateGrant', grantRequest({ namespace: OURS, ...area }))).toMatchObject({
      reason: 'UNKNOWN_CURRENCY',
    });
    expect(await caller.answer('CreateGrant', grantRequest({ namespace: THEIRS, ...area }))).toMatchObject({
      grant: { currency: 'AREA' },
    });
  });
});
