import { describe, expect, it } from 'vitest';
import * as rules from '../../src/ledger/posting-rules.ts';
import type { Leg } from '../../src/ledger/posting.ts';
import type { Credit, Usage } from '../../src/ledger/routes.ts';
import { legsOf } from '../credit/readable.ts';
import { credits, day } from '../support/builders.ts';

const TAX = { code: 'txcd_20000000', behavior: 'INCLUSIVE' } as const;
const credit: Credit = {
  grantId: 'g1',
  currency: 'USD',
  featureKeys: ['a', 'b'],
  priority: 10,
  tax: null,
  costBasis: credits('0.5'),
};
const usage: Usage = { chargeId: 'c1', currency: 'USD', featureKeys: ['a'], tax: TAX };

/** The slice that comes back was booked from entry 7 of version 3 on. */
const given = (amount: string, recognized = '0'): rules.GivenBack => ({
  amount: credits(amount),
  recognized: credits(recognized),
  entry: { version: 3, position: 7 },
});

/** `CUSTOMER_FBO +4 reverses 3:7`: what is booked, by which entry it is a reversal of; nothing is `of g1, c1`. */
const told = (legs: readonly Leg[]): readonly string[] => {
  const posting = rules.correct(legs, day(1));
  const words = legsOf(posting);
  return posting.legs.map(({ reverses, grantId, chargeId }, i) =>
    [words[i], `of ${grantId}, ${chargeId}`, reverses && `reverses ${reverses.version}:${reverses.position}`]
      .filter(Boolean)
      .join(' '),
  );
};

describe('what comes back is reversed entry by entry', () => {
  it('a slice of a grant', () => {
    expect(told(rules.returnSource(usage, credit, given('4')))).toEqual([
      'CUSTOMER_FBO +4 of g1, c1 reverses 3:7',
      'CUSTOMER_ACCRUED -4 of g1, c1 reverses 3:8',
    ]);
  });

  it('a covering, and with it the debt that it had covered, which nobody owes any more', () => {
    expect(told(rules.returnCover(usage, credit, given('4')))).toEqual([
      'CUSTOMER_FBO +4 of g1, c1 reverses 3:7',
      'CUSTOMER_RECEIVABLE OPEN unknown -4 of g1, c1 reverses 3:8',
      'CUSTOMER_ACCRUED unknown +4 of g1, c1 reverses 3:9',
      'CUSTOMER_ACCRUED -4 of g1, c1 reverses 3:10',
      'CUSTOMER_RECEIVABLE OPEN unknown +4 of null, c1',
      'CUSTOMER_ACCRUED unknown -4 of null, c1',
    ]);
  });

  it('an advance', () => {
    expect(told(rules.returnAdvance(usage, given('4')))).toEqual([
      'CUSTOMER_RECEIVABLE OPEN unknown +4 of null, c1 reverses 3:7',
      'CUSTOMER_ACCRUED unknown -4 of null, c1 reverses 3:8',
    ]);
  });

  it.each([
    ['slice', rules.returnSource],
    ['covering', rules.returnCover],
  ])('after what is revenue of a %s has been taken back from earnings', (_what, back) => {
    expect(told(back(usage, credit, given('4', '3'))).slice(0, 3)).toEqual([
      'EARNINGS -3 of g1, c1',
      'CUSTOMER_ACCRUED +3 of g1, c1',
      'CUSTOMER_FBO +4 of g1, c1 reverses 3:7',
    ]);
  });
});

describe('recognized revenue', () => {
  it('moves from accrued to earnings of the same basis, charge and tax, slice by slice', () => {
    const posting = rules.recognize(
      [
        { usage, credit, amount: credits('3') },
        { usage, credit: { ...credit, grantId: 'g2', costBasis: 0n }, amount: credits('2') },
      ],
      day(4),
    );

    expect(posting).toMatchObject({ kind: 'RECOGNIZE', bookedAt: day(4) });
    expect(legsOf(posting)).toEqual([
      'EARNINGS +3',
      'CUSTOMER_ACCRUED -3',
      'EARNINGS +2',
      'CUSTOMER_ACCRUED -2',
    ]);
    expect(posting.legs.map(({ account, grantId }) => [account.costBasis, account.tax, grantId])).toEqual([
      [credits('0.5'), TAX, 'g1'],
      [credits('0.5'), TAX, 'g1'],
      [0n, TAX, 'g2'],
      [0n, TAX, 'g2'],
    ]);
  });
});

it('a correction is one transaction, at its instant', () => {
  expect(rules.correct(rules.returnAdvance(usage, given('4')), day(6))).toMatchObject({
    kind: 'CORRECT',
    bookedAt: day(6),
  });
});
