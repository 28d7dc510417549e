import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REASONS } from '../../src/reasons.ts';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import { call, type CallError } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/**
 * Every reason is one that the service refuses with, with the code and just the metadata of its row. What takes a
 * request is asked for here; what takes a stream, a fault or another transport is in the file that has those.
 */

const { caller, url, another } = await testWorld();
const full = await another({ queueLimit: 0 });

let customers = 0;
const newCustomer = () => ({ customerId: `customer ${(customers += 1)}` });

async function granted(more: object = {}) {
  const own = newCustomer();
  const { grant } = await caller.answer('CreateGrant', grantRequest({ ...own, ...more }));
  return { ...own, grantId: grant.id as string };
}

async function charged(more: object = {}) {
  const own = newCustomer();
  const { charge } = await caller.answer('ConsumeCredits', spendRequest({ ...own, ...CREDIT_ONLY, ...more }));
  return { ...own, chargeId: charge.id as string };
}

const refusal = (rpc: string, request: object) => caller.refusal(rpc, request);
const past = { effectiveAt: at(day(-9)), expiresAt: at(day(-8)) };
const paid = { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'USD' };
const event = (status: string) => ({ status: `SETTLEMENT_STATUS_${status}` });
const unit = { code: 'POINTS', name: 'Points', precision: 0 };

const post = (account: string, one: string, other: string) => [
  { accountType: `ACCOUNT_TYPE_${account}`, currency: 'USD', amount: one },
  { accountType: 'ACCOUNT_TYPE_BROKERAGE', currency: 'USD', amount: other },
];

const ASKED_FOR: Readonly<Partial<Record<keyof typeof REASONS, () => Promise<CallError>>>> = {
  INVALID_FIELD: () => refusal('CreateGrant', grantRequest({ amount: '-1' })),
  UNSUPPORTED_FEATURE_FILTER: () =>
    refusal('GetBalance', { ...newCustomer(), featureFilter: { featureKey: '' } }),
  PAGE_TOKEN_MISMATCH: () => refusal('ListGrants', { ...newCustomer(), pageToken: 'made up' }),
  UNKNOWN_CURRENCY: () => refusal('CreateGrant', grantRequest({ currency: 'QQQ' })),
  TOO_PRECISE: () => refusal('CreateGrant', grantRequest({ amount: '0.001' })),
  GRANT_NOT_FOUND: () => refusal('GetGrant', { ...newCustomer(), grantId: 'grt_none' }),
  CHARGE_NOT_FOUND: () => refusal('GetCharge', { ...newCustomer(), chargeId: 'chg_none' }),
  TRANSACTION_NOT_FOUND: () => refusal('GetTransaction', { ...newCustomer(), transactionId: 'txn_none' }),
  IDEMPOTENCY_KEY_REUSED: async () => {
    const first = grantRequest({ ...newCustomer(), idempotencyKey: 'k' });
    await caller.answer('CreateGrant', first);
    return refusal('CreateGrant', { ...first, amount: '1' });
  },
  CURRENCY_EXISTS: async () => {
    await caller.answer('CreateCurrency', unit);
    return refusal('CreateCurrency', unit);
  },
  INSUFFICIENT_CREDIT: () => refusal('ConsumeCredits', spendRequest(newCustomer())),
  GRANT_NOT_PENDING: async () =>
    refusal('RescheduleGrant', { ...(await granted()), effectiveAt: at(day(9)) }),
  GRANT_EXPIRED: async () => refusal('VoidGrant', await granted(past)),
  GRANT_EXHAUSTED: async () => {
    const { customerId, grantId } = await granted({ amount: '10' });
    await caller.answer('ConsumeCredits', spendRequest({ customerId }));
    return refusal('VoidGrant', { customerId, grantId });
  },
  GRANT_VOIDED: async () => {
    const own = await granted();
    await caller.answer('VoidGrant', own);
    return refusal('RescheduleGrant', { ...own, neverExpires: true });
  },
  CHARGE_NOT_OPEN: async () => refusal('CollectCharge', await charged()),
  SETTLEMENT_OUT_OF_ORDER: async () => {
    const own = await granted({ funding: paid });
    await caller.answer('UpdateGrantSettlement', { ...own, ...event('SETTLED') });
    return refusal('UpdateGrantSettlement', { ...own, ...event('AUTHORIZED') });
  },
  CORRECTION_TOO_LARGE: async () => refusal('CorrectCharge', { ...(await charged()), amount: '11' }),
  ROUTING_RULE: () => refusal('PostTransaction', postRequest({ entries: post('CUSTOMER_FBO', '1', '-1') })),
  UNBALANCED: () => refusal('PostTransaction', postRequest({ entries: post('WASH', '1', '-2') })),
  NOT_FUNDED: async () => refusal('UpdateGrantSettlement', { ...(await granted()), ...event('SETTLED') }),
  OVERLOADED: () => full.refusal('ConsumeCredits', spendRequest(newCustomer())),
  SERVICE_NOT_FOUND: async () => {
    const outcome = await call(url, 'grpc.health.v1.Health/Check', { service: 'none' });
    return outcome.ok ? Promise.reject(new Error('was answered')) : outcome.error;
  },
  NOT_CAUGHT_UP: () => refusal('GetBalance', { ...newCustomer(), minVersion: 9 }),
};

/** Where else a reason is produced, and its metadata held against what is documented. */
const ELSEWHERE: Readonly<Partial<Record<keyof typeof REASONS, string>>> = {
  TOO_SLOW: 'service/database-in-trouble.test.ts',
  CONFLICT: 'service/database-in-trouble.test.ts',
  REQUEST_TOO_LARGE: 'rpc/refusals.test.ts',
  UNKNOWN_METHOD: 'rpc/refusals.test.ts',
  MALFORMED_REQUEST: 'rpc/refusals.test.ts',
  UNSUPPORTED_PROTOCOL: 'rpc/refusals.test.ts',
  DEADLINE_EXCEEDED: 'rpc/refusals.test.ts',
  FOREIGN_HOST: 'rpc/callers.test.ts',
  LIMIT_REACHED: 'verify/outbox.test.ts',
  UNAUTHENTICATED: 'rpc/authentication.test.ts',
  FORBIDDEN: 'rpc/authentication.test.ts',
  SHUTTING_DOWN: 'rpc/shutdown.test.ts',
  DATABASE_UNAVAILABLE: 'db/lost-connections.test.ts',
  INTERNAL: 'rpc/wire.test.ts',
  TOO_MANY_WATCHES: 'watch/lifecycle.test.ts',
};

test('every reason is produced', () => {
  expect([...Object.keys(ASKED_FOR), ...Object.keys(ELSEWHERE)].toSorted()).toEqual(
    Object.keys(REASONS).toSorted(),
  );
});

describe('a refusal has the code and just the metadata of its reason', () => {
  test.each(Object.entries(ASKED_FOR))('%s', async (reason, ask) => {
    const { code, metadata } = REASONS[reason as keyof typeof REASONS];
    const error = await ask();

    expect(error).toMatchObject({ reason, code });
    expect(Object.keys(error.metadata).toSorted()).toEqual(metadata.toSorted());
  });
});

test.each(Object.entries(ELSEWHERE))('%s is produced in %s', (reason, file) => {
  expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(`'${reason}'`);
});
