import { beforeAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

const INVOICED = {
  method: 'FUNDING_METHOD_INVOICE',
  purchaseCurrency: 'USD',
  availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
};

/** Which grants a list shows, and what it says of them. */

const { caller, time } = await testWorld();

const namesOf = async (request: object): Promise<readonly string[]> =>
  ((await caller.answer('ListGrants', request))['grants'] ?? []).map(({ name }: Json) => name);

describe('the filter by feature', () => {
  const customerId = 'by feature';
  beforeAll(async () => {
    time.now = day(1);
    for (const featureKeys of [[], ['a'], ['b'], ['a', 'b']]) {
      const name = featureKeys.join(' ') || 'unrestricted';
      await caller.answer('CreateGrant', grantRequest({ customerId, name, featureKeys }));
    }
  });

  test.each([
    ['a', ['a b', 'a', 'unrestricted']],
    ['b', ['a b', 'b', 'unrestricted']],
    ['c', ['unrestricted']],
    ['', ['a b', 'b', 'a', 'unrestricted']],
  ])('%j shows what a charge for it may use', async (featureKey, names) => {
    expect(await namesOf({ customerId, featureKey })).toEqual(names);
  });
});

describe('of a grant that is not credit yet', () => {
  const customerId = 'promised';
  const bookedAt = async (request: object, asked: object = {}): Promise<unknown> => {
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId, ...request }));
    const { grants } = await caller.answer('ListGrants', { customerId, pageSize: 1, ...asked });
    const { grant: own } = await caller.answer('GetGrant', { customerId, grantId: grant.id, ...asked });
    expect([grant.bookedAt, own.bookedAt]).toEqual([grants[0].bookedAt, grants[0].bookedAt]);
    return grant.bookedAt;
  };
  const told = (instant: number) => at(instant).replace('.000Z', 'Z');

  test('the instant at which it will be is told where it is known', async () => {
    time.now = day(1);
    expect(await bookedAt({ effectiveAt: at(day(5)) })).toBe(told(day(5)));
    expect(await bookedAt({ effectiveAt: at(day(5)), expiresAt: at(day(9)) })).toBe(told(day(5)));
  });

  test('none is told while its funding is awaited', async () => {
    expect(await bookedAt({ effectiveAt: at(day(5)), funding: INVOICED })).toBeUndefined();
  });

  test('it moves with a reschedule, and is gone when it is called off', async () => {
    const { grant } = await caller.answer(
      'CreateGrant',
      grantRequest({ customerId, effectiveAt: at(day(5)) }),
    );
    const grantId = grant.id;
    const moved = await caller.answer('RescheduleGrant', { customerId, grantId, effectiveAt: at(day(6)) });
    expect(moved['grant'].bookedAt).toBe(told(day(6)));
    expect((await caller.answer('VoidGrant', { customerId, grantId }))['grant'].bookedAt).toBeUndefined();
  });
});
