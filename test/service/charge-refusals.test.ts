import { describe, expect, it } from 'vitest';
import type { Json } from '../support/service.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

const { caller, time } = await testWorld();

const EXTERNAL = { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'USD' };
const HOUR = 3_600_000;

let customers = 0;
/** A customer of the case's own. */
const somebody = () => ({ customerId: `somebody-${(customers += 1)}` });

const charge = (given: object) => ({
  type: 'CHARGE_TYPE_FLAT_FEE',
  settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
  currency: 'USD',
  amount: '10',
  ...given,
});
const grantId = async (request: object): Promise<string> =>
  (await caller.answer('CreateGrant', grantRequest(request)))['grant'].id;
const chargeId = async (request: object): Promise<string> =>
  (await caller.answer('CreateCharge', charge(request)))['charge'].id;

/** What a case prepares for its customer: the RPC that is refused and the rest of its request. */
type Case = readonly [
  title: string,
  prepare: (who: { customerId: string }) => Promise<readonly [rpc: string, request: object]>,
  refusal: { readonly code: string; readonly reason: string; readonly metadata: object },
];

const cases: readonly Case[] = [
  [
    'a charge nobody made',
    async () => ['CollectCharge', { chargeId: `chg_${'0'.repeat(32)}` }],
    { code: 'NOT_FOUND', reason: 'CHARGE_NOT_FOUND', metadata: { id: `chg_${'0'.repeat(32)}` } },
  ],
  [
    'collecting a charge that is canceled',
    async (who) => {
      const id = await chargeId(who);
      await caller.answer('CancelCharge', { ...who, chargeId: id });
      return ['CollectCharge', { chargeId: id }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'CHARGE_NOT_OPEN', metadata: { state: 'CANCELED' } },
  ],
  [
    'canceling a charge that is final',
    async (who) => {
      const id = await chargeId(who);
      await caller.answer('CollectCharge', { ...who, chargeId: id, finalize: true });
      return ['CancelCharge', { chargeId: id }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'CHARGE_NOT_OPEN', metadata: { state: 'FINAL' } },
  ],
  [
    'giving back what was invoiced',
    async (who) => {
      await grantId({ ...who, amount: '4' });
      const id = await chargeId({ ...who, settlementMode: 'SETTLEMENT_MODE_CREDIT_THEN_INVOICE' });
      await caller.answer('CollectCharge', { ...who, chargeId: id });
      return ['CorrectCharge', { chargeId: id, amount: '5' }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'CORRECTION_TOO_LARGE', metadata: { state: '4' } },
  ],
  [
    'an amount finer than the charge’s currency',
    async (who) => ['UpdateCharge', { chargeId: await chargeId(who), amount: '1.001' }],
    { code: 'INVALID_ARGUMENT', reason: 'TOO_PRECISE', metadata: { field: 'amount' } },
  ],
  [
    'a charge that live would not cover',
    async (who) => {
      await grantId({ ...who, amount: '12' });
      await chargeId(who);
      return ['CreateCharge', charge({ amount: '3', requireLive: true })];
    },
    {
      code: 'FAILED_PRECONDITION',
      reason: 'INSUFFICIENT_CREDIT',
      metadata: { requested: '3', eligible: '2', currency: 'USD' },
    },
  ],
  [
    'collecting more than prepaid credit there is',
    async (who) => {
      await grantId({ ...who, amount: '4' });
      return [
        'CollectCharge',
        { chargeId: await chargeId({ ...who, settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY' }) },
      ];
    },
    {
      code: 'FAILED_PRECONDITION',
      reason: 'INSUFFICIENT_CREDIT',
      metadata: { requested: '10', eligible: '4' },
    },
  ],
  [
    'taking away more credit than there is',
    async (who) => {
      await grantId({ ...who, amount: '4' });
      return ['CreateAdjustment', { currency: 'USD', amount: '-5', reason: 'a mistake' }];
    },
    {
      code: 'FAILED_PRECONDITION',
      reason: 'INSUFFICIENT_CREDIT',
      metadata: { requested: '5', eligible: '4' },
    },
  ],
  [
    'a payment for promotional credit',
    async (who) => [
      'UpdateGrantSettlement',
      { grantId: await grantId(who), status: 'SETTLEMENT_STATUS_SETTLED' },
    ],
    { code: 'FAILED_PRECONDITION', reason: 'NOT_FUNDED', metadata: { state: 'NONE' } },
  ],
  [
    'an invoice for credit paid elsewhere',
    async (who) => [
      'UpdateGrantSettlement',
      { grantId: await grantId({ ...who, funding: EXTERNAL }), status: 'SETTLEMENT_STATUS_ISSUED' },
    ],
    { code: 'FAILED_PRECONDITION', reason: 'SETTLEMENT_OUT_OF_ORDER', metadata: {} },
  ],
  [
    'an authorization after the settlement',
    async (who) => {
      const id = await grantId({ ...who, funding: EXTERNAL });
      await caller.answer('UpdateGrantSettlement', {
        ...who,
        grantId: id,
        status: 'SETTLEMENT_STATUS_SETTLED',
      });
      return ['UpdateGrantSettlement', { grantId: id, status: 'SETTLEMENT_STATUS_AUTHORIZED' }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'SETTLEMENT_OUT_OF_ORDER', metadata: { state: 'SETTLED' } },
  ],
  [
    'a failure of what is credit already',
    async (who) => [
      'UpdateGrantSettlement',
      { grantId: await grantId({ ...who, funding: EXTERNAL }), status: 'SETTLEMENT_STATUS_FAILED' },
    ],
    { code: 'FAILED_PRECONDITION', reason: 'SETTLEMENT_OUT_OF_ORDER', metadata: {} },
  ],
  [
    'moving the start of credit that is active',
    async (who) => ['RescheduleGrant', { grantId: await grantId(who), effectiveAt: at(time.now + HOUR) }],
    { code: 'FAILED_PRECONDITION', reason: 'GRANT_NOT_PENDING', metadata: { state: 'ACTIVE' } },
  ],
  [
    'rescheduling a voided grant',
    async (who) => {
      const id = await grantId(who);
      await caller.answer('VoidGrant', { ...who, grantId: id });
      return ['RescheduleGrant', { grantId: id, neverExpires: true }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'GRANT_VOIDED', metadata: { state: 'VOIDED' } },
  ],
  [
    'rescheduling an expired grant',
    async (who) => {
      const past = { effectiveAt: at(time.now - 2 * HOUR), expiresAt: at(time.now - HOUR) };
      return ['RescheduleGrant', { grantId: await grantId({ ...who, ...past }), neverExpires: true }];
    },
    { code: 'FAILED_PRECONDITION', reason: 'GRANT_EXPIRED', metadata: { state: 'EXPIRED' } },
  ],
];

describe('what charges, payments and reschedules refuse', () => {
  it.each(cases)('refuses %s, and changes nothing', async (_title, prepare, { code, reason, metadata }) => {
    const who = somebody();
    const [rpc, request] = await prepare(who);
    const before: Json = await caller.answer('GetBalance', who);

    const error = await caller.refusal(rpc, { ...who, ...request });

    expect(error).toMatchObject({ code, reason, metadata });
    expect(await caller.answer('GetBalance', who)).toEqual({
      ...before,
      asOf: expect.any(String),
      knownAt: expect.any(String),
    });
  });

  it('answers a repeated event, cancellation or stale report as a success that changes nothing', async () => {
    const who = somebody();
    const paid = await grantId({ ...who, funding: EXTERNAL });
    const used = await chargeId({ ...who, type: 'CHARGE_TYPE_USAGE_BASED', amount: '0' });
    const twice = async (rpc: string, request: object) => {
      const first = await caller.answer(rpc, { ...who, ...request });
      time.now += 1;
      return [first, await caller.answer(rpc, { ...who, ...request })] as const;
    };

    const [settled, again] = await twice('UpdateGrantSettlement', {
      grantId: paid,
      status: 'SETTLEMENT_STATUS_SETTLED',
    });
    expect(again).toEqual(settled);
    const [reported, stale] = await twice('UpdateCharge', { chargeId: used, amount: '7', sequence: '3' });
    expect(stale).toEqual(reported);
    const [canceled, still] = await twice('CancelCharge', { chargeId: used });
    expect(still).toEqual(canceled);
    await caller.answer('ConsumeCredits', spendRequest({ ...who, amount: '1' }));
  });
});
