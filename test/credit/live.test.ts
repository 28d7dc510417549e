import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { live } from '../../src/credit/balance.ts';
import { weights } from '../../src/credit/live.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import {
  aBook,
  aCancellation,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  aReport,
  day,
  type Write,
} from '../support/builders.ts';
import { refusalOf, settledUsd, slices } from './readable.ts';

const liveUsd = (state: BookState, scope: Scope = ALL): string => formatAmount(live(state, 'USD', scope));
const GRANT: Write = [day(1), aGrant({ amount: '100' })];

describe('live', () => {
  it('equals settled while no charge is open', () => {
    expect(liveUsd(aBook(GRANT))).toBe('100');
  });

  it.each([
    ['PREPAID_ONLY', '30', '70'],
    ['CREDIT_THEN_INVOICE', '130', '0'],
    ['PREPAID_ONLY', '130', '0'],
    ['CREDIT_ONLY', '130', '-30'],
  ] as const)('with a %s charge of %s open is %s', (mode, amount, expected) => {
    const book = aBook(GRANT, [day(2), aCharge({ mode, amount })]);

    expect(liveUsd(book)).toBe(expected);
    expect(settledUsd(book)).toBe('100');
  });

  it('lets each bounded charge take only what the ones before it left, and the unbounded take all', () => {
    const book = aBook(
      GRANT,
      [day(2), aCharge({ chargeId: 'c1', amount: '80' })],
      [day(2), aCharge({ chargeId: 'c2', amount: '80' })],
      [day(2), aCharge({ chargeId: 'c3', amount: '5', mode: 'CREDIT_ONLY' })],
    );

    expect(liveUsd(book)).toBe('-5');
  });

  it('bounds a charge by what it may use: what only others may use is left', () => {
    const book = aBook(
      [day(1), aGrant({ amount: '10', featureKeys: ['a'] })],
      [day(1), aGrant({ grantId: 'g2', amount: '4' })],
      [day(2), aCharge({ amount: '9' })],
    );

    expect(liveUsd(book)).toBe('10');
    expect(liveUsd(book, { kind: 'unrestricted' })).toBe('0');
    expect(liveUsd(book, { kind: 'feature', featureKey: 'a' })).toBe('10');
  });

  describe('takes charges in the order in which they began to weigh', () => {
    const grants: readonly Write[] = [
      [day(1), aGrant({ amount: '10', priority: 1 })],
      [day(1), aGrant({ grantId: 'g2', amount: '10', featureKeys: ['a'], priority: 2 })],
    ];
    const greedy = aCharge({ chargeId: 'greedy', amount: '15', featureKey: 'a', startsAt: day(4) });
    const modest = aCharge({ chargeId: 'modest', amount: '10' });

    // First, `greedy` takes what `modest` could use, too; second, it has to do with what only it can use.
    it.each<[order: string, charges: readonly Write[], expected: string]>([
      [
        'by start',
        [
          [day(2), { ...modest, startsAt: day(5) }],
          [day(3), greedy],
        ],
        '5',
      ],
      [
        'not by recording',
        [
          [day(2), greedy],
          [day(3), modest],
        ],
        '0',
      ],
      [
        'by recording, if the start was earlier',
        [
          [day(2), greedy],
          [day(5), { ...modest, startsAt: day(3) }],
        ],
        '5',
      ],
      [
        'by version, at one instant',
        [
          [day(4), modest],
          [day(4), greedy],
        ],
        '0',
      ],
    ])('%s', (_order, charges, expected) => {
      expect(liveUsd(advanceTo(aBook(...grants, ...charges), day(6)).state)).toBe(expected);
    });
  });

  it('counts a charge for a feature only where the feature is asked about', () => {
    const book = aBook(GRANT, [day(2), aCharge({ amount: '10', featureKey: 'a', mode: 'CREDIT_ONLY' })]);

    expect(liveUsd(book)).toBe('90');
    expect(liveUsd(book, { kind: 'feature', featureKey: 'a' })).toBe('90');
    expect(liveUsd(book, { kind: 'feature', featureKey: 'b' })).toBe('100');
    expect(liveUsd(book, { kind: 'unrestricted' })).toBe('100');
  });
});

describe('what each open charge takes, and from which grants', () => {
  const told = (state: BookState, scope: Scope = ALL) =>
    weights([...state.grants.values()], [...state.charges.values()], {
      currency: 'USD',
      scope,
      at: state.clock,
    }).map(({ charge, amount, taken }) => [charge.id, formatAmount(amount), ...slices(taken)]);
  const book = () =>
    aBook(
      [day(1), aGrant({ grantId: 'spent', amount: '10', priority: 1 })],
      [day(1), aConsumption({ chargeId: 'c0', amount: '10' })],
      [day(1), aGrant({ grantId: 'euro', amount: '50', currency: 'EUR', priority: 1 })],
      [day(1), aGrant({ grantId: 'of a', amount: '5', featureKeys: ['a'] })],
      [day(1), aGrant({ grantId: 'any', amount: '10' })],
      [day(2), aCharge({ chargeId: 'c1', amount: '8', featureKey: 'a' })],
      [day(2), aCharge({ chargeId: 'also a', amount: '1', featureKey: 'a' })],
      [day(2), aCharge({ chargeId: 'in euro', amount: '8', currency: 'EUR' })],
      [day(2), aCharge({ chargeId: 'c2', amount: '20' })],
      [day(2), aCharge({ chargeId: 'c3', amount: '7', mode: 'CREDIT_ONLY' })],
    );

  it('is bounded by what is left for the others, in burn order; the unbounded takes from nobody', () => {
    expect(told(book())).toEqual([
      ['c1', '8', 'of a 5', 'any 3'],
      ['also a', '1', 'any 1'],
      ['c2', '6', 'any 6'],
      ['c3', '7'],
    ]);
  });

  it('is told of credit and charges in scope only', () => {
    expect(told(book(), { kind: 'unrestricted' })).toEqual([
      ['c2', '10', 'any 10'],
      ['c3', '7'],
    ]);
  });
});

describe('a charge weighs on live', () => {
  it('from its start until just before its hold expires', () => {
    const book = aBook(GRANT, [day(2), aCharge({ startsAt: day(4), holdExpiresAt: day(6) })]);
    const at = (instant: number) => liveUsd(advanceTo(book, instant).state);

    expect([at(day(4) - 1), at(day(4)), at(day(6) - 1), at(day(6))]).toEqual(['100', '90', '90', '100']);
  });

  it('not before it was recorded, however early it starts', () => {
    expect(liveUsd(aBook(GRANT, [day(5), aCharge({ startsAt: day(2) })]))).toBe('90');
  });

  it('never, if its hold ends before its start', () => {
    const book = aBook(GRANT, [day(2), aCharge({ startsAt: day(6), holdExpiresAt: day(4) })]);

    for (const of of [3, 4, 5, 6, 7]) expect(liveUsd(advanceTo(book, day(of)).state)).toBe('100');
  });

  it('until it is closed', () => {
    const book = aBook(GRANT, [day(2), aCharge()]);

    expect(liveUsd(decide(book, aCancellation('c1'), day(3)).state)).toBe('100');
    expect(liveUsd(decide(book, aCollection('c1', { amount: '4', finalize: true }), day(3)).state)).toBe(
      '96',
    );
  });

  it('by what is outstanding: collecting moves it from live to settled', () => {
    const collected = decide(
      aBook(GRANT, [day(2), aCharge()]),
      aCollection('c1', { amount: '4' }),
      day(3),
    ).state;

    expect([settledUsd(collected), liveUsd(collected)]).toEqual(['96', '90']);
  });

  it('by the latest total reported', () => {
    const book = aBook(GRANT, [day(2), aCharge({ type: 'USAGE_BASED' })], [day(3), aReport('c1', '25')]);

    expect(liveUsd(book)).toBe('75');
  });

  it('again by what a correction made outstanding, so live stays; on a final charge live rises', () => {
    const open = aBook(GRANT, [day(2), aCharge()], [day(3), aCollection('c1')]);
    const final = aBook(GRANT, [day(2), aCharge()], [day(3), aCollection('c1', { finalize: true })]);

    expect(liveUsd(decide(open, aCorrection('c1', '4'), day(4)).state)).toBe('90');
    expect(liveUsd(decide(final, aCorrection('c1', '4'), day(4)).state)).toBe('94');
  });
});

describe('a charge that requires live', () => {
  const book = () => aBook(GRANT, [day(2), aCharge({ amount: '60' })]);
  const asked = (amount: string, more: Parameters<typeof aCharge>[0] = {}) =>
    decide(book(), aCharge({ chargeId: 'c2', amount, requireLive: true, ...more }), day(3));

  it('is taken when live in its own scope covers it', () => {
    expect(asked('40').changed).toBe(true);
  });

  it.each<[scope: string, featureKey: string | null, most: string]>([
    ['its feature', 'a', '15'],
    ['another feature', 'b', '10'],
    ['what is unrestricted, without one', null, '10'],
  ])('is held against the credit of its own scope: %s', (_scope, featureKey, most) => {
    const credit = aBook(
      [day(1), aGrant({ amount: '5', featureKeys: ['a'] })],
      [day(1), aGrant({ grantId: 'g2', amount: '10' })],
    );
    const ask = (amount: string) => () =>
      decide(credit, aCharge({ amount, featureKey, requireLive: true }), day(3));

    expect(ask(most)().changed).toBe(true);
    expect(refusalOf(ask('15.01')).metadata).toMatchObject({ eligible: most });
  });

  it('is refused with what live comes to when it does not, also before it starts', () => {
    const metadata = { requested: '41', eligible: '40', currency: 'USD', feature_key: '' };

    expect(refusalOf(() => asked('41'))).toMatchObject({ reason: 'INSUFFICIENT_CREDIT', metadata });
    expect(refusalOf(() => asked('41', { startsAt: day(9) })).metadata).toEqual(metadata);
  });
});
