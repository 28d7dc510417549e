import { describe, expect, it } from 'vitest';
import type { AccountType, SubAccount } from '../../src/ledger/account.ts';
import { manualLegs } from '../../src/ledger/manual-rules.ts';
import { refusalOf } from '../credit/readable.ts';
import { credits } from '../support/builders.ts';

const sub = (type: AccountType, given: Partial<SubAccount> = {}): SubAccount => ({
  type,
  currency: 'USD',
  featureKeys: [],
  priority: null,
  costBasis: credits('1'),
  tax: null,
  stage: type === 'CUSTOMER_RECEIVABLE' ? 'OPEN' : null,
  ...given,
});

/** Entries as `[account, amount]`. */
const post = (...entries: readonly (readonly [SubAccount, string])[]) =>
  manualLegs(entries.map(([account, amount]) => ({ account, amount: credits(amount) })));

const TYPES: readonly AccountType[] = [
  'CUSTOMER_FBO',
  'CUSTOMER_RECEIVABLE',
  'CUSTOMER_ACCRUED',
  'WASH',
  'EARNINGS',
  'BROKERAGE',
  'BREAKAGE',
];

/** Those that may face each other, whichever of them gains. */
const FACING = new Set([
  'CUSTOMER_RECEIVABLE CUSTOMER_RECEIVABLE',
  'CUSTOMER_RECEIVABLE WASH',
  'CUSTOMER_RECEIVABLE BROKERAGE',
  'WASH CUSTOMER_RECEIVABLE',
  'WASH BROKERAGE',
  'BROKERAGE CUSTOMER_RECEIVABLE',
  'BROKERAGE WASH',
  'BREAKAGE EARNINGS',
  'EARNINGS BREAKAGE',
]);
const PAIRS = TYPES.flatMap((up) => TYPES.map((down) => [up, down] as const));

describe('by hand', () => {
  it.each(PAIRS.filter((pair) => FACING.has(pair.join(' '))))('%s may gain what %s loses', (up, down) => {
    expect(post([sub(up), '2.5'], [sub(down), '-2.5'])).toEqual([
      { account: sub(up), amount: credits('2.5'), grantId: null, chargeId: null },
      { account: sub(down), amount: credits('-2.5'), grantId: null, chargeId: null },
    ]);
  });

  it.each(PAIRS.filter((pair) => !FACING.has(pair.join(' '))))(
    '%s may not gain what %s loses',
    (up, down) => {
      expect(refusalOf(() => post([sub(up), '1'], [sub(down), '-1'])).reason).toBe('ROUTING_RULE');
    },
  );

  it.each(['CUSTOMER_FBO', 'CUSTOMER_ACCRUED'] as const)('%s cannot be touched', (type) => {
    expect(refusalOf(() => post([sub(type), '1'], [sub(type), '-1']))).toEqual({
      reason: 'ROUTING_RULE',
      message: `${type} moves only through grants, charges and adjustments`,
      metadata: { id: '', state: type },
    });
  });

  it('every side that gains must be one that every side that loses may face', () => {
    const sides = [
      [sub('WASH'), '2'],
      [sub('CUSTOMER_RECEIVABLE'), '-1'],
      [sub('EARNINGS'), '-1'],
    ] as const;

    expect(refusalOf(() => post(...sides))).toEqual({
      reason: 'ROUTING_RULE',
      message: 'WASH and EARNINGS may not face each other',
      metadata: { id: '', state: 'WASH' },
    });
  });

  it('each currency is looked at by itself', () => {
    const euro = { currency: 'EUR' };

    expect(
      post(
        [sub('WASH'), '1'],
        [sub('BROKERAGE'), '-1'],
        [sub('EARNINGS', euro), '3'],
        [sub('BREAKAGE', euro), '-3'],
      ),
    ).toHaveLength(4);
  });

  it.each([
    ['one side', '1', '-0.5', '0.5'],
    ['no side', '1', '1', '2'],
  ])(
    'what does not add up to zero in a currency is refused: too much on %s',
    (_side, wash, brokerage, sum) => {
      expect(refusalOf(() => post([sub('WASH'), wash], [sub('BROKERAGE'), brokerage]))).toEqual({
        reason: 'UNBALANCED',
        message: `the entries in USD add up to ${sum}, not to zero`,
        metadata: { id: 'USD', state: sum },
      });
    },
  );

  it.each<[why: string, account: SubAccount]>([
    ['CUSTOMER_RECEIVABLE needs a stage in its route', sub('CUSTOMER_RECEIVABLE', { stage: null })],
    [
      'CUSTOMER_RECEIVABLE needs a cost basis in its route: without one it would be an advance',
      sub('CUSTOMER_RECEIVABLE', { costBasis: null }),
    ],
    ['only CUSTOMER_RECEIVABLE has a stage, not WASH', sub('WASH', { stage: 'AUTHORIZED' })],
    ['only CUSTOMER_FBO has a priority, not BROKERAGE', sub('BROKERAGE', { priority: 10 })],
  ])('%s', (message, account) => {
    const { type } = account;
    const other = sub(type === 'WASH' ? 'BROKERAGE' : 'WASH');

    expect(refusalOf(() => post([account, '1'], [other, '-1']))).toEqual({
      reason: 'ROUTING_RULE',
      message,
      metadata: { id: '', state: type },
    });
  });

  it('cash and business accounts need no cost basis', () => {
    const none = { costBasis: null };

    expect(post([sub('WASH', none), '1'], [sub('BROKERAGE', none), '-1'])).toHaveLength(2);
  });
});
