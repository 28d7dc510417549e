import { afterAll, describe, expect, test } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

/** Why a balance has changed is told the same, whichever instance was written to. */

const { url, caller, time, another } = await testWorld();
const other = await another();
const client = grpcCaller(url);
afterAll(() => client.close());

const FUNDING = {
  method: 'FUNDING_METHOD_INVOICE',
  purchaseCurrency: 'USD',
  perUnitCostBasis: '1',
  availabilityPolicy: 'AVAILABILITY_POLICY_ON_AUTHORIZATION',
};
const CHARGE = { currency: 'USD', type: 'CHARGE_TYPE_USAGE_BASED', ...CREDIT_ONLY, amount: '10' };
const inAnHour = () => new Date(time.now + 3_600_000).toISOString();

type Ids = { readonly grantId: string; readonly pendingId: string; readonly chargeId: string };

/** Each write with what it is told as. */
const WRITES: readonly [rpc: string, request: (ids: Ids) => object, cause: string][] = [
  ['CreateGrant', () => grantRequest(), 'GRANT_CREATED'],
  ['VoidGrant', ({ grantId }) => ({ grantId }), 'GRANT_VOIDED'],
  [
    'UpdateGrantSettlement',
    ({ pendingId }) => ({ grantId: pendingId, status: 'SETTLEMENT_STATUS_AUTHORIZED' }),
    'GRANT_SETTLEMENT_UPDATED',
  ],
  [
    'UpdateGrantSettlement',
    ({ pendingId }) => ({ grantId: pendingId, status: 'SETTLEMENT_STATUS_FAILED' }),
    'GRANT_VOIDED',
  ],
  ['CreateCharge', () => CHARGE, 'CHARGE_CREATED'],
  ['UpdateCharge', ({ chargeId }) => ({ chargeId, amount: '25' }), 'CHARGE_UPDATED'],
  ['CollectCharge', ({ chargeId }) => ({ chargeId, amount: '4' }), 'CHARGE_COLLECTED'],
  ['CancelCharge', ({ chargeId }) => ({ chargeId }), 'CHARGE_CANCELED'],
  ['ConsumeCredits', () => spendRequest(), 'CHARGE_COLLECTED'],
  ['CreateAdjustment', () => ({ currency: 'USD', amount: '-1' }), 'ADJUSTED'],
];

describe.each<[string, Caller]>([
  ['here', caller],
  ['on another instance', other],
])('a write %s', (where, writer) => {
  test.each(WRITES)('%s is told as its cause', async (rpc, request, cause) => {
    const customerId = `${where} ${rpc} ${cause}`;
    const own = (more: object) => ({ ...grantRequest(), ...more, customerId });
    const { grant } = await caller.answer('CreateGrant', own({}));
    const { grant: pending } = await caller.answer('CreateGrant', own({ funding: FUNDING }));
    const { charge } = await caller.answer('CreateCharge', { ...CHARGE, customerId });
    const { next } = watching(client, customerId);
    await next();
    const ids = { grantId: grant.id, pendingId: pending.id, chargeId: charge.id };
    const { version } = await writer.answer(rpc, { ...request(ids), customerId });
    time.now += 1_000;

    expect(await next()).toMatchObject({ version: Number(version), causes: [cause] });
  });

  test('RescheduleGrant is not told where it moves no figure', async () => {
    const customerId = `${where} unmoved`;
    const { grant } = await caller.answer('CreateGrant', { ...grantRequest(), customerId });
    const { next } = watching(client, customerId);
    await next();
    await writer.answer('RescheduleGrant', {
      customerId,
      grantId: grant.id,
      expiresAt: '2040-01-01T00:00:00Z',
    });
    let message = await next(() => (time.now += 15_000));
    while (message.version < 2) message = await next(() => (time.now += 15_000));

    expect(message).toMatchObject({ heartbeat: true, causes: [], balances: ['USD 100 100 0'] });
  });

  test('CorrectCharge is told as its cause', async () => {
    const customerId = `${where} correction`;
    await caller.answer('CreateGrant', { ...grantRequest(), customerId });
    const { charge } = await caller.answer('ConsumeCredits', { ...spendRequest(), customerId });
    const { next } = watching(client, customerId);
    await next();
    await writer.answer('CorrectCharge', { customerId, chargeId: charge.id, amount: '2' });
    time.now += 1_000;

    expect(await next()).toMatchObject({ causes: ['CHARGE_CORRECTED'], balances: ['USD 92 92 0'] });
  });

  test('RescheduleGrant is told where it moves credit to now', async () => {
    const customerId = `${where} reschedule`;
    const effectiveAt = inAnHour();
    const { grant } = await caller.answer('CreateGrant', { ...grantRequest({ effectiveAt }), customerId });
    const { next } = watching(client, customerId);
    await next();
    const now = new Date(time.now).toISOString();
    await writer.answer('RescheduleGrant', { customerId, grantId: grant.id, effectiveAt: now });
    time.now += 1_000;

    expect(await next()).toMatchObject({ causes: ['GRANT_RESCHEDULED'], balances: ['USD 100 100 0'] });
  });
});
