import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, describe, expect, test } from 'vitest';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { FundingMethod } from '#gen/credit/v1/funding_pb.ts';
import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { failureOf } from '../rpc/clients.ts';
import { day } from '../support/builders.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { testWorld } from '../support/world.ts';

/** What a caller in any language gets over plain gRPC: answers, and refusals that a program can act on. */

const { url, time } = await testWorld();
const client = grpcCaller(url);
afterAll(() => client.close());

const { createGrant, consumeCredits, voidGrant, getBalance, getGrant, listGrants, createCurrency } =
  CreditService.method;

const plain = (customerId: string) => ({ customerId, name: 'a grant', currency: 'USD', amount: '100' });
const spend = (customerId: string) => ({ customerId, currency: 'USD', amount: '10' });

test('a client grants, spends and reads', async () => {
  const { grant, version } = await client.call(createGrant, plain('ada'));
  const { collection, balance } = await client.call(consumeCredits, { ...spend('ada'), amount: '30.5' });
  const read = await client.call(getBalance, { customerId: 'ada', minVersion: version + 1n });
  const entries = await client.call(LedgerService.method.listEntries, { customerId: 'ada' });
  const accrued = await client.call(LedgerService.method.getAccountBalance, {
    customerId: 'ada',
    currency: 'USD',
    accountType: AccountType.CUSTOMER_ACCRUED,
  });

  expect(grant!.id).toMatch(/^grt_[0-9a-f]{32}$/);
  expect(collection!.allocations).toMatchObject([{ grantId: grant!.id, amount: '30.5' }]);
  expect(balance).toMatchObject({ currency: 'USD', settled: '69.5', live: '69.5', pending: '0' });
  expect(read.balances).toEqual([balance]);
  expect(entries.entries.length).toBeGreaterThan(5);
  expect(accrued.amount).toBe('30.5');
});

type Refusal = {
  readonly what: string;
  readonly call: () => Promise<unknown>;
  readonly code: string;
  readonly reason: string;
  readonly metadata: object;
};

/** A grant of a customer's own, with what became of it. */
async function granted(customerId: string, more: object = {}): Promise<string> {
  const { grant } = await client.call(createGrant, { ...plain(customerId), ...more });
  return grant!.id;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: 'an empty feature key in a filter',
    code: 'INVALID_ARGUMENT',
    reason: 'UNSUPPORTED_FEATURE_FILTER',
    call: () =>
      client.call(getBalance, {
        customerId: 'r',
        featureFilter: { filter: { case: 'featureKey', value: '' } },
      }),
    metadata: { field: 'feature_filter.feature_key', rule: 'UNSUPPORTED_FEATURE_FILTER' },
  },
  {
    what: 'unrestricted with false',
    code: 'INVALID_ARGUMENT',
    reason: 'UNSUPPORTED_FEATURE_FILTER',
    call: () =>
      client.call(getBalance, {
        customerId: 'r',
        featureFilter: { filter: { case: 'unrestricted', value: false } },
      }),
    metadata: { field: 'feature_filter.unrestricted', rule: 'UNSUPPORTED_FEATURE_FILTER' },
  },
  {
    what: 'a page token of nobody',
    code: 'INVALID_ARGUMENT',
    reason: 'PAGE_TOKEN_MISMATCH',
    call: () => client.call(listGrants, { customerId: 'r', pageToken: 'bm90IG91cnM' }),
    metadata: { field: 'page_token', rule: 'page_token' },
  },
  {
    what: 'a currency there is not',
    code: 'INVALID_ARGUMENT',
    reason: 'UNKNOWN_CURRENCY',
    call: () => client.call(createGrant, { ...plain('r'), currency: 'TOKENS' }),
    metadata: { field: 'currency', rule: 'currency.known' },
  },
  {
    what: 'another among several',
    code: 'INVALID_ARGUMENT',
    reason: 'UNKNOWN_CURRENCY',
    call: () => client.call(getBalance, { customerId: 'r', currencies: ['USD', 'TOKENS'] }),
    metadata: { field: 'currencies[1]', rule: 'currency.known' },
  },
  {
    what: 'a purchase currency there is not',
    code: 'INVALID_ARGUMENT',
    reason: 'UNKNOWN_CURRENCY',
    call: () =>
      client.call(createGrant, {
        ...plain('r'),
        funding: { method: FundingMethod.EXTERNAL, purchaseCurrency: 'XXQ' },
      }),
    metadata: { field: 'funding.purchase_currency', rule: 'currency.known' },
  },
  {
    what: 'more decimals than the currency has',
    code: 'INVALID_ARGUMENT',
    reason: 'TOO_PRECISE',
    call: () => client.call(consumeCredits, { ...spend('r'), amount: '0.001' }),
    metadata: { field: 'amount', rule: 'TOO_PRECISE' },
  },
  {
    what: 'a spend in the future',
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    call: () => client.call(consumeCredits, { ...spend('r'), bookedAt: timestampFromMs(time.now + 1_001) }),
    metadata: { field: 'booked_at', rule: 'booked_at.not_in_future' },
  },
  {
    what: 'a grant that ends before it begins',
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    call: () =>
      client.call(createGrant, {
        ...plain('r'),
        expiry: { case: 'expiresAt', value: timestampFromMs(time.now) },
      }),
    metadata: { field: 'expires_at', rule: 'expires_at.after_effective_at' },
  },
  {
    what: 'a grant of nobody',
    code: 'NOT_FOUND',
    reason: 'GRANT_NOT_FOUND',
    call: () => client.call(getGrant, { customerId: 'r', grantId: 'not-an-id' }),
    metadata: { id: 'not-an-id' },
  },
  {
    what: 'a grant of another customer',
    code: 'NOT_FOUND',
    reason: 'GRANT_NOT_FOUND',
    call: async () => client.call(voidGrant, { customerId: 'r', grantId: await granted('r1') }),
    metadata: { id: expect.stringMatching(/^grt_/) },
  },
  {
    what: 'a key used again',
    code: 'ALREADY_EXISTS',
    reason: 'IDEMPOTENCY_KEY_REUSED',
    call: async () => {
      await client.call(createGrant, { ...plain('r'), idempotencyKey: 'k' });
      return client.call(createGrant, { ...plain('r'), idempotencyKey: 'k', amount: '1' });
    },
    metadata: { key: 'k', field: 'amount' },
  },
  {
    what: 'a unit registered otherwise',
    code: 'ALREADY_EXISTS',
    reason: 'CURRENCY_EXISTS',
    call: async () => {
      await client.call(createCurrency, { code: 'POINTS', name: 'Points', precision: 0 });
      return client.call(createCurrency, { code: 'POINTS', name: 'Points', precision: 2 });
    },
    metadata: { key: 'POINTS', field: 'precision' },
  },
  {
    what: 'too little credit',
    code: 'FAILED_PRECONDITION',
    reason: 'INSUFFICIENT_CREDIT',
    call: async () => {
      await granted('r2', { amount: '5' });
      await granted('r2', { amount: '7', featureKeys: ['api'] });
      await granted('r2', { amount: '9', featureKeys: ['storage'] });
      return client.call(consumeCredits, { ...spend('r2'), amount: '12.5', featureKey: 'api' });
    },
    metadata: { requested: '12.5', eligible: '12', currency: 'USD', feature_key: 'api' },
  },
  {
    what: 'no credit at all',
    code: 'FAILED_PRECONDITION',
    reason: 'INSUFFICIENT_CREDIT',
    call: () => client.call(consumeCredits, { ...spend('r3'), settlementMode: SettlementMode.PREPAID_ONLY }),
    metadata: { requested: '10', eligible: '0', currency: 'USD', feature_key: '' },
  },
  {
    what: 'the void of what has expired',
    code: 'FAILED_PRECONDITION',
    reason: 'GRANT_EXPIRED',
    call: async () => {
      const effectiveAt = timestampFromMs(time.now - 2_000);
      const expiry = { case: 'expiresAt' as const, value: timestampFromMs(time.now - 1_000) };
      return client.call(voidGrant, {
        customerId: 'r4',
        grantId: await granted('r4', { effectiveAt, expiry }),
      });
    },
    metadata: { id: expect.stringMatching(/^grt_/), state: 'EXPIRED' },
  },
  {
    what: 'the void of what is used up',
    code: 'FAILED_PRECONDITION',
    reason: 'GRANT_EXHAUSTED',
    call: async () => {
      const grantId = await granted('r5', { amount: '10' });
      await client.call(consumeCredits, spend('r5'));
      return client.call(voidGrant, { customerId: 'r5', grantId });
    },
    metadata: { id: expect.stringMatching(/^grt_/), state: 'EXHAUSTED' },
  },
];

describe('a refusal tells a program what it needs to know', () => {
  test.each(REFUSALS)('$reason: $what', async ({ call, code, reason, metadata }) => {
    time.now = day(3);

    expect(await failureOf(call())).toMatchObject({ code, reason, domain: 'credit-ledger', metadata });
  });

  test('INVALID_FIELD names every wrong field at once, by its path in the proto', async () => {
    const failure = await failureOf(
      client.call(createGrant, {
        namespace: 'no spaces',
        customerId: '',
        currency: 'usd',
        amount: '-1',
        priority: 0,
        featureKeys: ['a', ''],
        labels: { '': 'x' },
        expiry: { case: 'expiresAfter', value: 'a while' },
      }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' });
    const fields = (failure['violations'] as [string, string, string][]).map(([field]) => field);
    expect(fields.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'amount',
      'currency',
      'customer_id',
      'expires_after',
      'feature_keys[1]',
      'labels[""]',
      'name',
      'namespace',
      'priority',
    ]);
  });

  test('NOT_CAUGHT_UP says when to try again', async () => {
    const failure = await failureOf(client.call(getBalance, { customerId: 'r', minVersion: 1_000n }));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP', retryMs: 200 });
  });
});
