import { describe, expect, it } from 'vitest';
import type { BookState } from '../../src/credit/book-state.ts';
import type { Consume } from '../../src/credit/commands/consume.ts';
import { decide } from '../../src/credit/decide.ts';
import { advancesOf } from '../../src/credit/pools.ts';
import { formatAmount } from '../../src/amount.ts';
import { formatInstant } from '../../src/instant.ts';
import { aBook, aConsumption, aCorrection, aGrant, day, until, type Write } from '../support/builders.ts';
import { became, settledUsd } from './readable.ts';

const debt = (chargeId: string, amount: string, more: Partial<Omit<Consume, 'amount'>> = {}): Consume =>
  aConsumption({ chargeId, amount, mode: 'CREDIT_ONLY', ...more });

/** The coverings a write leads to: `2026-01-05 g1 pays c1 10`. */
const coverings = (book: BookState, [now, command]: Write): readonly string[] =>
  [...decide(book, command, now).state.allocations.values()]
    .filter(({ kind, ref }) => kind === 'COVER' && ref.version > book.version)
    .map((slice) => {
      const date = formatInstant(slice.at).slice(0, 10);
      return `${date} ${slice.grantId} pays ${slice.chargeId} ${formatAmount(slice.amount)}`;
    });

describe('a grant that becomes credit', () => {
  it('covers outstanding advances first, oldest first, as far as it reaches', () => {
    const book = aBook([day(3), debt('c3', '5')], [day(4), debt('c2', '5', { bookedAt: day(2) })]);

    expect(coverings(book, [day(5), aGrant({ amount: '8' })])).toEqual([
      '2026-01-05 g1 pays c2 5',
      '2026-01-05 g1 pays c3 3',
    ]);
  });

  it('covers advances of one instant in order of recording', () => {
    const book = aBook([day(3), debt('c9', '5')], [day(3), debt('c1', '5')]);

    expect(coverings(book, [day(5), aGrant({ amount: '5' })])).toEqual(['2026-01-05 g1 pays c9 5']);
  });

  it('also where they stand in another order in the state', () => {
    const { advances, ...book } = aBook([day(3), debt('c9', '5')], [day(3), debt('c1', '5')]);
    const turned = { ...book, advances: advancesOf([...advances.values()].toReversed()) };

    expect(coverings(turned, [day(5), aGrant({ amount: '5' })])).toEqual(['2026-01-05 g1 pays c9 5']);
  });

  it('covers nothing that is covered already', () => {
    const book = aBook([day(3), debt('c1', '5')], [day(4), aGrant({ amount: '5' })]);

    expect(coverings(book, [day(5), aGrant({ grantId: 'g2' })])).toEqual([]);
  });

  it('consumes the covered part for the charge that made the advance', () => {
    const { state } = decide(aBook([day(3), debt('c1', '5')]), aGrant({ amount: '8' }), day(5));

    expect(became(state, 'g1')).toEqual({ consumed: '5', remaining: '3' });
    expect(settledUsd(state)).toBe('3');
    expect(state.advances.get('c1#1')!.uncovered).toBe(0n);
  });

  it.each<[credit: readonly string[], of: string | null, covers: boolean]>([
    [[], null, true],
    [[], 'a', true],
    [['a', 'b'], 'a', true],
    [['b'], 'a', false],
    [['a'], null, false],
  ])('restricted to %j, covers an advance of feature %s: %s', (featureKeys, featureKey, covers) => {
    const book = aBook([day(3), debt('c1', '5', { featureKey })]);

    expect(coverings(book, [day(5), aGrant({ featureKeys })])).toHaveLength(covers ? 1 : 0);
  });

  it('covers nothing of another currency', () => {
    const book = aBook([day(3), debt('c1', '5', { currency: 'EUR' })]);

    expect(coverings(book, [day(5), aGrant()])).toEqual([]);
  });

  it('told late, covers each advance from the later of its own and the advance’s instant', () => {
    const book = aBook([day(2), debt('c2', '5')], [day(6), debt('c6', '5')]);

    expect(coverings(book, [day(20), aGrant({ effectiveAt: day(4) })])).toEqual([
      '2026-01-04 g1 pays c2 5',
      '2026-01-06 g1 pays c6 5',
    ]);
  });

  it('told late and gone by now, covers what was owed while it lasted', () => {
    const book = aBook([day(2), debt('c2', '5')], [day(9), debt('c9', '5')]);

    const { state } = decide(book, aGrant({ effectiveAt: day(4), expiry: until(day(9)) }), day(20));

    expect(became(state, 'g1')).toEqual({ consumed: '5', expired: '95' });
    expect(settledUsd(state)).toBe('-5');
  });
});

describe('an advance recorded late', () => {
  const late: Write = [day(20), debt('late', '10', { bookedAt: day(5) })];

  it('is covered at once by credit that came later and idles', () => {
    const book = aBook([day(8), aGrant()]);

    expect(coverings(book, late)).toEqual(['2026-01-08 g1 pays late 10']);
  });

  it('is covered by several in order of the instant they could, then burn order', () => {
    const book = aBook(
      [day(9), aGrant({ grantId: 'nine', amount: '4', priority: 1 })],
      [day(8), aGrant({ grantId: 'eight', amount: '4', priority: 99 })],
      [day(9), aGrant({ grantId: 'other', amount: '4', priority: 2 })],
    );

    expect(coverings(book, late)).toEqual([
      '2026-01-08 eight pays late 4',
      '2026-01-09 nine pays late 4',
      '2026-01-09 other pays late 2',
    ]);
  });

  it('is covered by a grant that has expired since, but only from an instant before its expiry', () => {
    const covering = aBook([day(8), aGrant({ amount: '4', expiry: until(day(12)) })]);
    const gone = aBook([day(2), aGrant({ amount: '4', expiry: until(day(4)) })]);

    expect(coverings(covering, late)).toEqual(['2026-01-08 g1 pays late 4']);
    expect(coverings(gone, late)).toEqual([]);
  });

  it.each<[why: string, grant: Parameters<typeof aGrant>[0]]>([
    ['of another currency', { currency: 'EUR' }],
    ['of another feature', { featureKeys: ['b'] }],
    ['that ends at the very instant it came', { effectiveAt: day(3), expiry: until(day(5)) }],
  ])('is not covered by credit %s', (_why, grant) => {
    expect(coverings(aBook([day(8), aGrant(grant)]), late)).toEqual([]);
  });

  it('is not covered by credit that came back only at the expiry', () => {
    const book = aBook(
      [day(6), aGrant({ amount: '10', expiry: until(day(12)) })],
      [day(7), aConsumption({ amount: '10' })],
      [day(12), aCorrection('c1', '10')],
    );

    expect(coverings(book, late)).toEqual([]);
  });

  it('asks no more of the others once it is covered', () => {
    const book = aBook(
      [day(8), aGrant({ grantId: 'enough', amount: '10' })],
      [day(9), aGrant({ grantId: 'idle', amount: '10' })],
    );
    const { postings } = decide(book, late[1], late[0]);

    expect(postings.filter(({ kind }) => kind === 'COVER')).toHaveLength(1);
  });

  it('is not covered by what others have taken since', () => {
    const book = aBook([day(8), aGrant({ amount: '12' })], [day(15), aConsumption({ amount: '9' })]);

    expect(coverings(book, late)).toEqual(['2026-01-08 g1 pays late 3']);
  });

  it('is not covered by a scheduled grant before its instant', () => {
    const book = aBook([day(8), aGrant({ effectiveAt: day(25) })]);

    expect(coverings(book, late)).toEqual([]);
    expect(settledUsd(decide(book, late[1], late[0]).state)).toBe('-10');
  });
});
