import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Reading one's own write: `min_version` is satisfied, waited for briefly, or refused. */

const { caller, url, another } = await testWorld();
const neighbour = await another();
const { version } = await caller.answer('CreateGrant', grantRequest());

const QUESTIONS: Readonly<Record<string, object>> = {
  GetBalance: {},
  ListGrants: {},
  ListScheduledGrants: {},
  ListTransactions: {},
  ListEntries: {},
  ListAccounts: {},
  GetTrialBalance: {},
  ExplainBalance: { currency: 'USD' },
  GetBalanceTimeline: { from: at(day(1)), to: at(day(2)) },
  GetAccountBalance: { currency: 'USD', accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO' },
};

test.each(Object.entries(QUESTIONS))(
  '%s answers at once from the version that the write told, also at another instance',
  async (rpc, request) => {
    const asked = { customerId: 'ada', ...request, minVersion: version };

    expect((await caller.answer(rpc, asked))['version']).toBe('1');
    expect((await neighbour.answer(rpc, asked))['version']).toBe('1');
  },
);

test('every question refuses a version that does not come with NOT_CAUGHT_UP, after about a second', async () => {
  const started = performance.now();
  const refusals = await Promise.all(
    Object.entries(QUESTIONS).map(([rpc, request]) =>
      caller.refusal(rpc, { customerId: 'ada', ...request, minVersion: '2' }),
    ),
  );

  const waited = performance.now() - started;
  expect(refusals.map(({ code, reason }) => [code, reason])).toEqual(
    refusals.map(() => ['UNAVAILABLE', 'NOT_CAUGHT_UP']),
  );
  expect(waited).toBeGreaterThan(900);
  expect(waited).toBeLessThan(4_000);
});

test('of a customer whom nobody has written about there is no version to wait for', async () => {
  const asked = { customerId: 'nobody', minVersion: '1' };

  expect(await caller.refusal('GetBalance', asked)).toMatchObject({ reason: 'NOT_CAUGHT_UP' });
  expect((await caller.answer('GetBalance', { customerId: 'nobody' }))['version'] ?? '0').toBe('0');
});

describe('a batch of balances', () => {
  const customerIds = ['ada', 'bea', 'ada'];

  test('answers from the versions that writes told, also at another instance', async () => {
    const { version: written } = await caller.answer('CreateGrant', grantRequest({ customerId: 'bea' }));
    const minVersions = { ada: version, bea: written };

    for (const one of [caller, neighbour]) {
      const { results } = await one.answer('BatchGetBalances', { customerIds, minVersions });
      expect(results.map((result: Json) => result['version'])).toEqual(['1', '1', '1']);
    }
  });

  test.each([{}, { asOf: at(day(1)) }])('is refused where one version does not come: %j', async (moment) => {
    const asked = { customerIds, minVersions: { ada: '1', bea: '9' }, ...moment };

    expect(await caller.refusal('BatchGetBalances', asked)).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'NOT_CAUGHT_UP',
      message: expect.stringContaining('version 9'),
    });
  });

  test('waits for a version that comes', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'cyd' }));
    const waiting = caller.answer('BatchGetBalances', {
      customerIds: ['ada', 'cyd'],
      minVersions: { cyd: '2' },
    });
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'cyd' }));

    expect((await waiting)['results'][1]).toMatchObject({ version: '2', balances: [{ settled: '90' }] });
  });

  test('refuses a version of a customer that is not asked about', async () => {
    const asked = { customerIds, minVersions: { ada: '1', eve: '1', dan: '2' } };
    const { reason, violations } = await caller.refusal('BatchGetBalances', asked);

    expect(reason).toBe('INVALID_FIELD');
    expect(violations.map(({ field }) => field)).toEqual(['min_versions["eve"]', 'min_versions["dan"]']);
  });
});

test.each(['ListScheduledGrants', 'ListAccounts', 'GetTrialBalance'])(
  '%s of a namespace, which has no version, refuses one',
  async (rpc) => {
    expect(await caller.refusal(rpc, { minVersion: '1' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      metadata: { field: 'min_version' },
    });
    await caller.answer(rpc, {});
  },
);

test('a refusal says when to try again', async () => {
  const response = await fetch(`${url}/credit.v1.CreditService/GetBalance`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customerId: 'nobody', minVersion: '1' }),
  });
  const { details } = (await response.json()) as { details: { type: string; debug: object }[] };

  expect(details.find(({ type }) => type === 'google.rpc.RetryInfo')?.debug).toMatchObject({
    retryDelay: expect.stringMatching(/^0\.\d+s$/),
  });
});

test('a version that comes while it is waited for is answered', async () => {
  const customerId = 'patience';
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  const waiting = caller.answer('GetBalance', { customerId, minVersion: '2' });
  await caller.answer('ConsumeCredits', spendRequest({ customerId }));

  expect(await waiting).toMatchObject({ version: '2', balances: [{ settled: '90' }] });
});

test('an answer about the past reflects an older version, but the book has got there', async () => {
  const { knownAt } = await caller.answer('GetBalance', { customerId: 'ada' });
  const answer = await caller.answer('GetBalance', { customerId: 'ada', minVersion: version, knownAt });

  expect(answer['version']).toBe('1');
});
