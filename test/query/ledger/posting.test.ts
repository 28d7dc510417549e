import { describe, expect, test } from 'vitest';
import { audit } from '../../support/audit.ts';
import { at, grantRequest, postRequest } from '../../support/requests.ts';
import { testWorld } from '../../support/world.ts';

/** Postings by hand: which accounts may face each other, and what a posting must be. */

const { caller, sql } = await testWorld();

const ACCOUNTS = [
  'CUSTOMER_FBO',
  'CUSTOMER_RECEIVABLE',
  'CUSTOMER_ACCRUED',
  'WASH',
  'EARNINGS',
  'BROKERAGE',
  'BREAKAGE',
] as const;
type Account = (typeof ACCOUNTS)[number];

/** The table of src/ledger/README.md: either may gain what the other loses. */
const MAY_FACE: readonly (readonly [Account, Account])[] = [
  ['CUSTOMER_RECEIVABLE', 'CUSTOMER_RECEIVABLE'],
  ['CUSTOMER_RECEIVABLE', 'WASH'],
  ['CUSTOMER_RECEIVABLE', 'BROKERAGE'],
  ['WASH', 'BROKERAGE'],
  ['BREAKAGE', 'EARNINGS'],
];

const pairs = ACCOUNTS.flatMap((gains) => ACCOUNTS.map((loses) => [gains, loses] as const));
const allowed = pairs.filter(([a, b]) =>
  MAY_FACE.some(([one, other]) => (a === one && b === other) || (a === other && b === one)),
);
const refused = pairs.filter((pair) => !allowed.includes(pair));

const entry = (account: Account, amount: string, more: object = {}) => ({
  accountType: `ACCOUNT_TYPE_${account}`,
  currency: 'USD',
  amount,
  ...more,
});

const facing = ([gains, loses]: readonly [Account, Account]) => [entry(gains, '3'), entry(loses, '-3')];

const transactionsOf = async (customerId: string) =>
  (await caller.answer('ListTransactions', { customerId }))['transactions'] ?? [];

describe('accounts that may face each other', () => {
  test('are nine of forty-nine pairs', () => {
    expect([allowed.length, refused.length]).toEqual([9, 40]);
  });

  test.each(allowed)('%s may gain what %s loses', async (...pair) => {
    const customerId = `allowed ${pair.join(' ')}`;
    const { transaction, version } = await caller.answer('PostTransaction', {
      customerId,
      entries: facing(pair),
      reason: 'by hand',
    });

    expect(transaction).toMatchObject({ kind: 'TRANSACTION_KIND_MANUAL', reason: 'by hand' });
    expect(transaction.entries.map((one: { amount: string }) => one.amount)).toEqual(['3', '-3']);
    expect(version).toBe('1');
    expect(await transactionsOf(customerId)).toEqual([transaction]);
  });

  test.each(refused)('%s may not gain what %s loses', async (...pair) => {
    const customerId = `refused ${pair.join(' ')}`;
    const refusal = await caller.refusal('PostTransaction', { customerId, entries: facing(pair) });

    expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'ROUTING_RULE' });
    expect(pair).toContain(refusal.metadata['state']);
    expect(await transactionsOf(customerId)).toEqual([]);
  });

  test('are looked at in each currency for itself: every one that gains, with every one that loses', async () => {
    const eur = { currency: 'EUR' };
    const apart = [
      ...facing(['WASH', 'BROKERAGE']),
      entry('BREAKAGE', '-1', eur),
      entry('EARNINGS', '1', eur),
    ];
    const mixed = [...facing(['WASH', 'BROKERAGE']), entry('BREAKAGE', '-1'), entry('EARNINGS', '1')];

    expect((await caller.answer('PostTransaction', { customerId: 'apart', entries: apart }))['version']).toBe(
      '1',
    );
    expect((await caller.refusal('PostTransaction', { customerId: 'mixed', entries: mixed })).reason).toBe(
      'ROUTING_RULE',
    );
  });
});

describe('a route', () => {
  const posted = (route: object | undefined, account: Account = 'CUSTOMER_RECEIVABLE') => ({
    customerId: `routes of ${account}`,
    entries: [entry(account, '3', { route }), entry(account === 'EARNINGS' ? 'BREAKAGE' : 'BROKERAGE', '-3')],
  });
  const open = { costBasis: '1', stage: 'RECEIVABLE_STAGE_OPEN' };

  test('that is left out means no keys, no tax, a basis of 0, and of a receivable the open stage', async () => {
    const { transaction } = await caller.answer('PostTransaction', posted(undefined));

    expect(transaction.entries.map((one: { route: object }) => one.route)).toEqual([
      { costBasis: '0', stage: 'RECEIVABLE_STAGE_OPEN' },
      { costBasis: '0' },
    ]);
  });

  test.each<[string, object, Account]>([
    [
      'a receivable without a cost basis: it would be an advance',
      { ...open, costBasis: undefined },
      'CUSTOMER_RECEIVABLE',
    ],
    ['a receivable without a stage', { costBasis: '1' }, 'CUSTOMER_RECEIVABLE'],
    ['a receivable with a priority', { ...open, priority: 10 }, 'CUSTOMER_RECEIVABLE'],
    ['a stage of what is no receivable', open, 'WASH'],
    ['feature keys of the business', { costBasis: '1', featureKeys: ['a'] }, 'WASH'],
    ['a tax of cash', { costBasis: '1', tax: { code: 'VAT' } }, 'WASH'],
    ['feature keys of revenue', { costBasis: '1', featureKeys: ['a'] }, 'EARNINGS'],
  ])('is refused: %s', async (_, route, account) => {
    expect(await caller.refusal('PostTransaction', posted(route, account))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'ROUTING_RULE',
      metadata: { state: account },
    });
  });

  test('of a receivable may have feature keys and a tax, of revenue a tax', async () => {
    const tax = { code: 'VAT', behavior: 'TAX_BEHAVIOR_INCLUSIVE' };
    const requests = [
      posted({ ...open, featureKeys: ['b', 'a'], tax }),
      posted({ costBasis: '1', tax }, 'EARNINGS'),
    ];

    for (const request of requests) {
      const { transaction } = await caller.answer('PostTransaction', request);
      expect(transaction.entries[0].route).toMatchObject({ tax });
    }
  });
});

describe('a posting by hand', () => {
  test('that does not add up in a currency is refused with the sum', async () => {
    const entries = [entry('WASH', '-10'), entry('BROKERAGE', '9.5')];

    expect(await caller.refusal('PostTransaction', { customerId: 'u', entries })).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UNBALANCED',
      metadata: { id: 'USD', state: '-0.5' },
    });
  });

  test('leaves what the customer has alone', async () => {
    const customerId = 'untouched';
    const { balance } = await caller.answer('CreateGrant', grantRequest({ customerId }));
    for (const pair of allowed) await caller.answer('PostTransaction', { customerId, entries: facing(pair) });

    expect((await caller.answer('GetBalance', { customerId }))['balances']).toEqual([balance]);
  });

  test('counts from the instant it is given, never from one ahead', async () => {
    const past = await caller.answer('PostTransaction', postRequest({ bookedAt: '2025-12-31T12:00:00Z' }));
    const ahead = postRequest({ bookedAt: at(Date.UTC(2030, 0, 1)) });

    expect(past['transaction'].bookedAt).toBe('2025-12-31T12:00:00Z');
    expect(await caller.refusal('PostTransaction', ahead)).toMatchObject({
      reason: 'INVALID_FIELD',
      metadata: { field: 'booked_at' },
    });
  });
});

test('the rows it all left behind are sound', async () => {
  expect(await audit(sql)).toEqual([]);
});
