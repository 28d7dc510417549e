import { beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../support/audit.ts';
import { day } from '../support/builders.ts';
import { callerOf } from '../support/caller.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { CallResult, Json } from '../support/service.ts';
import { stateOf } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/** Law 6: a batch of n equals the n single requests in order, and its items are independent of one another. */

const { sql, time, url } = await testWorld();
/** All by one request, as it were. */
const caller = callerOf({ url }, () => ({ 'x-request-id': 'one' }));

/** An answer in which ids are replaced by the order in which they appear, and customers by nothing. */
function anonymous(answers: readonly Json[]): unknown {
  const names = new Map<string, string>();
  const text = JSON.stringify(answers, (key, value: unknown) => (key === 'customerId' ? undefined : value));
  return JSON.parse(
    text.replaceAll(/(grt|chg)_[0-9a-f]{32}/g, (id, kind: string) => {
      names.set(id, names.get(id) ?? `${kind} ${names.size + 1}`);
      return names.get(id)!;
    }),
  );
}

/** A single answer or refusal in the form that a batch gives it. */
const asItem = (kind: 'grant' | 'charge', result: CallResult): Json =>
  result.ok
    ? { ...result.answer, [kind]: result.answer[kind] }
    : {
        error: {
          code: result.error.code,
          reason: result.error.reason,
          message: result.error.message,
          ...(Object.keys(result.error.metadata).length > 0 && { metadata: result.error.metadata }),
          ...(result.error.violations.length > 0 && { fieldViolations: result.error.violations }),
        },
      };

const GRANTS: readonly object[] = [
  { amount: '10' },
  { amount: '5', priority: 1 },
  { amount: '0' },
  { amount: '20', effectiveAt: at(day(2)), expiresAfter: 'P1M' },
  { amount: '7', featureKeys: ['a'] },
  { amount: '1', effectiveAt: at(day(3)), expiresAt: at(day(2)) },
  { amount: '30', expiresAt: at(day(9)) },
  { amount: '1.001' },
  { amount: '4', currency: 'XXXX' },
  { amount: '9', currency: 'EUR' },
];

const SPENDS: readonly object[] = [
  { amount: '3' },
  { amount: '1000' },
  { amount: '8', featureKey: 'a' },
  { amount: '2', currency: 'EUR' },
  { amount: '-2' },
  { amount: '30' },
  { amount: '11' },
  { amount: '6', ...CREDIT_ONLY },
  { amount: '5', settlementMode: 'SETTLEMENT_MODE_CREDIT_THEN_INVOICE' },
  { amount: '2', bookedAt: at(day(30)) },
  { amount: '1' },
];

describe('a dry run within a batch', () => {
  const five = { amount: '5', customerId: 'tried' };
  const outcomes = async (items: readonly object[]) => {
    const requests = items.map((item) => spendRequest({ ...five, ...item }));
    const { results } = await caller.answer('BatchConsumeCredits', { requests });
    return (results as Json[]).map(({ error, balance }) => error?.reason ?? balance.settled);
  };

  test('sees what stands before it and nothing behind it', async () => {
    await caller.answer('CreateGrant', grantRequest(five));

    expect(await outcomes([{ dryRun: true }, {}, { dryRun: true }])).toEqual([
      '0',
      '0',
      'INSUFFICIENT_CREDIT',
    ]);
  });
});

describe('a batch of n', () => {
  test.each([
    ['BatchCreateGrants', 'CreateGrant', 'grant', GRANTS, grantRequest],
    ['BatchConsumeCredits', 'ConsumeCredits', 'charge', SPENDS, spendRequest],
  ] as const)('equals the n single requests in order: %s', async (batch, single, kind, items, build) => {
    const [one, all] = [`${batch} one by one`, `${batch} all at once`];
    for (const customerId of [one, all]) {
      for (const given of [{ amount: '40' }, { amount: '10', featureKeys: ['a'] }, { currency: 'EUR' }]) {
        await caller.answer('CreateGrant', grantRequest({ customerId, ...given }));
      }
    }
    const singles: Json[] = [];
    for (const item of items) {
      singles.push(asItem(kind, await caller.result(single, build({ customerId: one, ...item }))));
    }
    const { results } = await caller.answer(batch, {
      requests: items.map((item) => build({ customerId: all, ...item })),
    });

    expect(anonymous(results)).toEqual(anonymous(singles));
    const [oneByOne, atOnce] = await Promise.all(
      [one, all].map(async (customerId) => [
        await caller.answer('ListGrants', { customerId }),
        await caller.answer('GetBalance', { customerId, asOf: at(day(5)) }),
      ]),
    );
    expect(anonymous(atOnce!)).toEqual(anonymous(oneByOne!));
  });

  test('is answered in order also when it is larger than one transaction carries', async () => {
    const customerId = 'many';
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '150' }));
    const { results } = await caller.answer('BatchConsumeCredits', {
      requests: Array.from({ length: 200 }, () => spendRequest({ customerId, amount: '1' })),
    });

    const done = (results as Json[]).map((result) => result['balance']?.settled ?? result['error'].reason);
    expect(done).toEqual([
      ...Array.from({ length: 150 }, (_, i) => String(149 - i)),
      ...Array.from({ length: 50 }, () => 'INSUFFICIENT_CREDIT'),
    ]);
  });

  test('takes 1,000 requests of any customers', async () => {
    const { results } = await caller.answer('BatchCreateGrants', {
      requests: Array.from({ length: 1_000 }, (_, i) => grantRequest({ customerId: `one of many ${i}` })),
    });

    expect(results).toHaveLength(1_000);
    expect((results as Json[]).filter((result) => result['version'] !== '1')).toEqual([]);
  });

  test.each([0, 1_001])('is refused as a whole when n is %i, and changes nothing', async (n) => {
    const state = await stateOf(sql);
    const requests = Array.from({ length: n }, () => grantRequest());

    expect(await caller.refusal('BatchCreateGrants', { requests })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      metadata: { field: 'requests' },
    });
    expect(await stateOf(sql)).toEqual(state);
  });
});

describe('an item that is refused', () => {
  let results: readonly Json[];
  beforeAll(async () => {
    time.now = day(1);
    const customerId = 'refusals';
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    const bad = [
      { customerId: '', amount: 'ten', currency: 'usd' },
      { amount: '1', currency: 'NOPE' },
      { amount: '0.001' },
      { amount: '101' },
      { amount: '1', bookedAt: at(day(2)) },
    ];
    const requests = bad.flatMap((item) => [
      spendRequest({ customerId, ...item }),
      spendRequest({ customerId, amount: '1' }),
    ]);
    ({ results } = await caller.answer('BatchConsumeCredits', { requests }));
  });

  test('leaves the others to succeed', () => {
    const others = results.filter((_, i) => i % 2 === 1);

    expect(others.map((result) => result['balance'].settled)).toEqual(['99', '98', '97', '96', '95']);
  });

  test('names each of its violations at once when its fields are wrong', () => {
    const { error } = results[0]!;

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' });
    expect(error.metadata).toEqual({ field: 'customer_id', rule: 'required' });
    expect(error.fieldViolations.map(({ field, reason }: Json) => [field, reason])).toEqual([
      ['customer_id', 'required'],
      ['currency', 'currency.form'],
      ['amount', 'amount.positive'],
    ]);
  });

  test.each([
    [2, 'INVALID_ARGUMENT', 'UNKNOWN_CURRENCY', { field: 'currency' }],
    [4, 'INVALID_ARGUMENT', 'TOO_PRECISE', { field: 'amount' }],
    [6, 'FAILED_PRECONDITION', 'INSUFFICIENT_CREDIT', { requested: '101', eligible: '97', currency: 'USD' }],
    [8, 'INVALID_ARGUMENT', 'INVALID_FIELD', { field: 'booked_at' }],
  ])('item %i says %s %s', (item, code, reason, metadata) => {
    expect(results[item]!['error']).toMatchObject({ code, reason, metadata });
  });
});

describe('the namespace of an item', () => {
  test('is its own, or that of the batch when it gives none', async () => {
    const customerId = 'somebody';
    await caller.answer('BatchCreateGrants', {
      namespace: 'outer',
      requests: [
        grantRequest({ customerId, amount: '1' }),
        grantRequest({ customerId, amount: '2', namespace: 'inner' }),
        grantRequest({ customerId, amount: '4' }),
      ],
    });
    const settled = async (namespace: string) =>
      (await caller.answer('GetBalance', { namespace, customerId })).balances?.[0]?.settled;

    expect([await settled('outer'), await settled('inner'), await settled('')]).toEqual([
      '5',
      '2',
      undefined,
    ]);
  });
});

test('what batches leave behind is sound', async () => {
  expect(await audit(sql)).toEqual([]);
});
