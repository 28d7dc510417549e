import { describe, expect, it } from 'vitest';
import { subAccountKey } from '../../src/ledger/account.ts';
import * as rules from '../../src/ledger/posting-rules.ts';
import { balanced, type Posting } from '../../src/ledger/posting.ts';
import type { Credit, Usage } from '../../src/ledger/routes.ts';
import { legsOf } from '../credit/readable.ts';
import { credits, day } from '../support/builders.ts';

const GOODS = { code: 'txcd_10000000', behavior: 'EXCLUSIVE' } as const;
const SERVICE = { code: 'txcd_20000000', behavior: 'INCLUSIVE' } as const;

const credit: Credit = {
  grantId: 'g1',
  currency: 'USD',
  featureKeys: ['a', 'b'],
  priority: 10,
  costBasis: credits('0.5'),
  tax: GOODS,
};
const usage: Usage = { chargeId: 'c1', currency: 'USD', featureKeys: ['a'], tax: SERVICE };
const hundred = credits('100');
const source = { credit, amount: hundred };

describe('the legs of an event', () => {
  it.each<[event: string, posting: Posting, legs: readonly string[]]>([
    [
      'issue',
      rules.issue(credit, hundred, false, day(1)),
      ['CUSTOMER_FBO +100', 'CUSTOMER_RECEIVABLE OPEN -100'],
    ],
    [
      'promotional issue',
      rules.issue(credit, hundred, true, day(1)),
      [
        'CUSTOMER_FBO +100',
        'CUSTOMER_RECEIVABLE OPEN -100',
        'CUSTOMER_RECEIVABLE OPEN +100',
        'BROKERAGE -100',
      ],
    ],
    ['expiry', rules.expire(credit, hundred, day(1)), ['CUSTOMER_FBO -100', 'BREAKAGE +100']],
    ['expiry undone', rules.undoExpiry(credit, hundred, day(1)), ['CUSTOMER_FBO +100', 'BREAKAGE -100']],
    ['void', rules.voidCredit(credit, hundred, false, day(1)), ['CUSTOMER_FBO -100', 'BREAKAGE +100']],
    [
      'void with RELEASE_UNPAID',
      rules.voidCredit(credit, hundred, true, day(1)),
      ['CUSTOMER_FBO -100', 'CUSTOMER_RECEIVABLE OPEN +100'],
    ],
    ['consume', rules.consume(usage, [source], 0n, day(1)), ['CUSTOMER_FBO -100', 'CUSTOMER_ACCRUED +100']],
    [
      'consume from two grants, the rest advanced',
      rules.consume(usage, [source, { ...source, amount: credits('5') }], credits('7'), day(1)),
      [
        'CUSTOMER_FBO -100',
        'CUSTOMER_ACCRUED +100',
        'CUSTOMER_FBO -5',
        'CUSTOMER_ACCRUED +5',
        'CUSTOMER_RECEIVABLE OPEN unknown -7',
        'CUSTOMER_ACCRUED unknown +7',
      ],
    ],
    [
      'advance covered',
      rules.cover(usage, source, day(1)),
      [
        'CUSTOMER_FBO -100',
        'CUSTOMER_RECEIVABLE OPEN unknown +100',
        'CUSTOMER_ACCRUED unknown -100',
        'CUSTOMER_ACCRUED +100',
      ],
    ],
  ])('%s', (_event, posting, legs) => {
    expect(legsOf(posting)).toEqual(legs);
  });

  it.each<[kind: Posting['kind'], posting: () => Posting]>([
    ['ISSUE', () => rules.issue(credit, hundred, true, day(3))],
    ['EXPIRE', () => rules.expire(credit, hundred, day(3))],
    ['EXPIRE_UNDONE', () => rules.undoExpiry(credit, hundred, day(3))],
    ['VOID', () => rules.voidCredit(credit, hundred, false, day(3))],
    ['VOID', () => rules.voidCredit(credit, hundred, true, day(3))],
    ['CONSUME', () => rules.consume(usage, [source], 0n, day(3))],
    ['COVER', () => rules.cover(usage, source, day(3))],
    ['ADJUST', () => rules.adjustUp(credit, hundred, day(3), 'why')],
    ['ADJUST', () => rules.adjustDown([source], day(3), 'why')],
  ])('are a transaction of kind %s, at its instant', (kind, posting) => {
    expect(posting()).toMatchObject({ kind, bookedAt: day(3) });
    expect(posting().reason).toBe(kind === 'ADJUST' ? 'why' : undefined);
  });

  it('of an adjustment are those of a gift, or take back as much', () => {
    expect(legsOf(rules.adjustUp(credit, hundred, day(1), ''))).toEqual(
      legsOf(rules.issue(credit, hundred, true, day(1))),
    );
    expect(legsOf(rules.adjustDown([source, source], day(1), ''))).toEqual([
      'CUSTOMER_FBO -100',
      'BROKERAGE +100',
      'CUSTOMER_FBO -100',
      'BROKERAGE +100',
    ]);
  });

  it('owe an advance on an open receivable of the charge, whose basis nobody knows', () => {
    const [owed, value] = rules.consume(usage, [], hundred, day(1)).legs.map((leg) => leg.account);
    const route = { currency: 'USD', featureKeys: ['a'], priority: null, costBasis: null, tax: SERVICE };

    expect(owed).toEqual({ type: 'CUSTOMER_RECEIVABLE', stage: 'OPEN', ...route });
    expect(value).toEqual({ type: 'CUSTOMER_ACCRUED', stage: null, ...route });
  });

  it('route business accounts by currency and basis alone', () => {
    expect(rules.expire(credit, hundred, day(1)).legs[1]!.account).toEqual({
      type: 'BREAKAGE',
      currency: 'USD',
      featureKeys: [],
      priority: null,
      stage: null,
      tax: null,
      costBasis: credits('0.5'),
    });
  });

  it('name the grant and the charge they concern', () => {
    const { legs } = rules.consume(usage, [source], credits('7'), day(1));

    expect(legs.map((leg) => [leg.grantId, leg.chargeId])).toEqual([
      ['g1', 'c1'],
      ['g1', 'c1'],
      [null, 'c1'],
      [null, 'c1'],
    ]);
  });

  it('hold credit on the route of its grant, and value on that of its charge', () => {
    const [fbo, accrued] = rules.consume(usage, [source], 0n, day(1)).legs.map((leg) => leg.account);

    expect(fbo).toMatchObject({
      featureKeys: ['a', 'b'],
      priority: 10,
      costBasis: credits('0.5'),
      tax: GOODS,
    });
    expect(accrued).toMatchObject({
      featureKeys: ['a'],
      priority: null,
      costBasis: credits('0.5'),
      tax: SERVICE,
    });
  });

  it('give a covered advance the debt it pays: the same sub-account, the other sign', () => {
    const advanced = rules.consume(usage, [], hundred, day(1)).legs[0]!;
    const covered = rules.cover(usage, source, day(2)).legs[1]!;

    expect(subAccountKey(covered.account)).toBe(subAccountKey(advanced.account));
    expect(covered.amount).toBe(-advanced.amount);
  });

  it('share business accounts between features, priorities and taxes', () => {
    const other = { ...credit, featureKeys: [], priority: 1, tax: null };
    const [one, two] = [credit, other].map((of) => rules.expire(of, hundred, day(1)).legs[1]!.account);

    expect(subAccountKey(one!)).toBe(subAccountKey(two!));
  });
});

describe('a sub-account', () => {
  const [fbo] = rules.issue(credit, hundred, false, day(1)).legs;

  it.each([
    { currency: 'EUR' },
    { featureKeys: ['a'] },
    { priority: 11 },
    { costBasis: null },
    { costBasis: 0n },
    { stage: 'AUTHORIZED' as const },
    { tax: null },
    { tax: SERVICE },
    { type: 'BREAKAGE' as const },
  ])('is another with %o', (difference) => {
    expect(subAccountKey({ ...fbo!.account, ...difference })).not.toBe(subAccountKey(fbo!.account));
  });
});

describe('a posting', () => {
  const legs = rules.issue(credit, hundred, false, day(1)).legs;

  it('that does not sum to zero is never made', () => {
    expect(() => balanced({ kind: 'ISSUE', bookedAt: day(1), legs: legs.slice(1) })).toThrow('sums to');
  });

  it('balances each currency on its own', () => {
    const mixed = legs.map((leg, i) => ({
      ...leg,
      account: { ...leg.account, currency: i === 0 ? 'USD' : 'EUR' },
    }));

    expect(() => balanced({ kind: 'ISSUE', bookedAt: day(1), legs: mixed })).toThrow('in USD');
  });
});
