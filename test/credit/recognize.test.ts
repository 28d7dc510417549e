import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, shareOf, sumAmounts, type Amount } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import type { Command } from '../../src/credit/command.ts';
import type { RecognizeRevenue } from '../../src/credit/commands/recognize-revenue.ts';
import { decide } from '../../src/credit/decide.ts';
import { PersistentMap } from '../../src/persistent-map.ts';
import { isRefusal } from '../../src/refusal.ts';
import {
  aBook,
  aConsumption,
  aCorrection,
  aGrant,
  aRecognition,
  credits,
  day,
  external,
  promotional,
  type Paid,
  type Write,
} from '../support/builders.ts';
import { bookings, legsOf, refusalOf, settledUsd } from './readable.ts';

const revenue = (amount: string | null = null, bookedAt: number | null = null) =>
  aRecognition(amount, { bookedAt });

/** Units and money recognized: `7 = 3.5 EUR`. */
function recognized(book: BookState, command: RecognizeRevenue): string {
  const { units, money } = decide(book, command, day(20)).answer.recognition;
  const paid = [...money].map(([currency, amount]) => `${formatAmount(amount)} ${currency}`);
  return `${formatAmount(units)} = ${paid.join(' + ') || 'nothing'}`;
}

const inEuro: Paid = {
  terms: { ...external('ON_CREATION').terms, purchaseCurrency: 'EUR', costBasis: credits('0.5') },
  initialStatus: null,
};

/** A third of a dollar for a unit, as far as twelve decimals go. */
const aThird: Paid = {
  terms: { ...external('ON_CREATION').terms, costBasis: credits('0.333333333333') },
  initialStatus: null,
};

describe('recognizing revenue', () => {
  const book = () =>
    aBook(
      [day(1), aGrant({ grantId: 'gift', amount: '10', paid: promotional(), priority: 1 })],
      [day(1), aGrant({ grantId: 'paid', amount: '10', paid: inEuro, priority: 2 })],
      [day(5), aConsumption({ chargeId: 'c1', amount: '14' })],
      [day(9), aConsumption({ chargeId: 'c2', amount: '3' })],
    );

  it('moves all accrued value to earnings: units, and money by what was paid for them', () => {
    expect(recognized(book(), revenue())).toBe('17 = 3.5 EUR');
    expect(settledUsd(decide(book(), revenue(), day(20)).state)).toBe(settledUsd(book()));
  });

  it('counts what was consumed at the very instant', () => {
    expect(recognized(book(), revenue(null, day(9)))).toBe('17 = 3.5 EUR');
  });

  it('of one currency leaves that of others', () => {
    const mixed = decide(book(), aGrant({ grantId: 'euro', currency: 'EUR' }), day(10)).state;
    const spent = decide(
      mixed,
      aConsumption({ chargeId: 'c3', currency: 'EUR', amount: '2' }),
      day(11),
    ).state;

    expect(recognized(spent, revenue())).toBe('17 = 3.5 EUR');
    expect(recognized(spent, aRecognition(null, { currency: 'EUR' }))).toBe('2 = nothing');
  });

  it('books nothing where there is nothing', () => {
    expect(decide(aBook(), revenue(), day(20))).toMatchObject({ changed: false, postings: [] });
    expect(recognized(aBook(), revenue())).toBe('0 = nothing');
  });

  it('by version and place, where slices are of one instant', () => {
    const known = aBook(
      [day(1), aGrant({ grantId: 'one', amount: '3', priority: 1 })],
      [day(1), aGrant({ grantId: 'two', amount: '10', priority: 2 })],
      [day(5), aConsumption({ chargeId: 'c1', amount: '4' })],
      [day(5), aConsumption({ chargeId: 'c2', amount: '4' })],
    );
    const turned = { ...known, allocations: PersistentMap.of([...known.allocations].toReversed()) };
    const { postings } = decide(turned, revenue('5'), day(20));

    expect(
      postings[0]!.legs
        .filter(({ amount }) => amount > 0n)
        .map(({ grantId, chargeId }) => [grantId, chargeId]),
    ).toEqual([
      ['one', 'c1'],
      ['two', 'c1'],
      ['two', 'c2'],
    ]);
  });

  it('oldest first, when only a part is asked for', () => {
    expect(recognized(book(), revenue('12'))).toBe('12 = 1 EUR');
  });

  it('oldest by when it was consumed, however late it was booked', () => {
    const late = aConsumption({ chargeId: 'c0', amount: '1', bookedAt: day(4) });
    const { state } = decide(decide(book(), late, day(10)).state, revenue('1'), day(11));

    const taken = [...state.allocations.values()].filter((slice) => slice.recognized > 0n);
    expect(taken.map((slice) => slice.chargeId)).toEqual(['c0']);
  });

  it('only what had been consumed by the instant', () => {
    expect(recognized(book(), revenue(null, day(9) - 1))).toBe('14 = 2 EUR');
  });

  it('never the same value twice', () => {
    const { state } = decide(book(), revenue('12'), day(10));

    expect(recognized(state, revenue())).toBe('5 = 2.5 EUR');
  });

  it('refuses more than is accrued', () => {
    expect(refusalOf(() => recognized(book(), revenue('18')))).toMatchObject({
      reason: 'INSUFFICIENT_CREDIT',
      metadata: { requested: '18', eligible: '17' },
    });
  });

  it('leaves value only an advance backs accrued, until a grant covers it', () => {
    const owed = aBook([day(5), aConsumption({ amount: '4', mode: 'CREDIT_ONLY' })]);
    const covered = decide(owed, aGrant({ paid: inEuro }), day(6)).state;

    expect(recognized(owed, revenue())).toBe('0 = nothing');
    expect(recognized(covered, revenue())).toBe('4 = 2 EUR');
  });
});

describe('a correction after revenue was recognized', () => {
  const book = () => aBook([day(1), aGrant({ paid: inEuro })], [day(5), aConsumption({ amount: '10' })]);

  it('takes it back from earnings first', () => {
    const { postings } = decide(decide(book(), revenue(), day(9)).state, aCorrection('c1', '4'), day(20));

    expect(bookings(postings)).toEqual(['2026-01-20 CORRECT']);
    expect(postings.flatMap(legsOf)).toEqual([
      'EARNINGS -4',
      'CUSTOMER_ACCRUED +4',
      'CUSTOMER_FBO +4',
      'CUSTOMER_ACCRUED -4',
    ]);
  });

  it('leaves to recognize what is neither given back nor recognized any more', () => {
    const corrected = decide(
      decide(book(), revenue('4'), day(9)).state,
      aCorrection('c1', '5'),
      day(10),
    ).state;

    // 4 of the 5 given back had been recognized: of the other 5 nothing is.
    expect(recognized(corrected, revenue())).toBe('5 = 2.5 EUR');
  });
});

describe('money recognized', () => {
  const spentOf = (amount: string, spends: readonly string[], paid: Paid = aThird) =>
    aBook(
      [day(1), aGrant({ amount, paid })],
      ...spends.map((spent, i): Write => [day(2), aConsumption({ chargeId: `c${i}`, amount: spent })]),
    );

  it('of the whole grant is what was paid for it: 3,000 units for 1,000 at 0.333333333333', () => {
    expect(recognized(spentOf('3000', ['3000']), revenue())).toBe('3000 = 1000 USD');
    expect(recognized(spentOf('3000', ['1', '2999']), revenue())).toBe('3000 = 1000 USD');
  });

  it('is rounded to the purchase currency, of all that was recognized so far', () => {
    let book = spentOf('3', ['1', '1', '1']);
    const told = ['1', '1', '1'].map((units) => {
      const step = recognized(book, revenue(units));
      book = decide(book, revenue(units), day(20)).state;
      return step;
    });

    expect(told).toEqual(['1 = 0.33 USD', '1 = 0.34 USD', '1 = 0.33 USD']);
  });

  it('that a correction takes back is recognized anew with its units', () => {
    const once = decide(spentOf('3', ['1', '1', '1']), revenue(), day(9)).state;
    const corrected = decide(once, aCorrection('c2', '1'), day(10)).state;
    const again = decide(corrected, aConsumption({ chargeId: 'c3', amount: '1' }), day(11)).state;

    expect(corrected.grants.get('g1')!.recognized).toBe(credits('2'));
    expect(recognized(again, revenue())).toBe('1 = 0.33 USD');
  });

  it('adds up to the rounded share of every grant, in whatever steps and with whatever corrections', () => {
    const units = fc.constantFrom('0.01', '0.33', '1', '2.5', '7', '11.11');
    const basis = fc.constantFrom(
      '0.333333333333',
      '0.000000000001',
      '1',
      '0.07',
      '33.333333333333',
      '0.005',
    );
    const step = fc.oneof(
      fc.record({ do: fc.constant('spend' as const), units }),
      fc.record({ do: fc.constant('recognize' as const), units }),
      fc.record({ do: fc.constant('correct' as const), units, which: fc.nat(30) }),
    );
    fc.assert(
      fc.property(
        fc.array(basis, { minLength: 1, maxLength: 3 }),
        fc.array(step, { maxLength: 40 }),
        (bases, steps) => {
          let book = aBook(
            ...bases.map((costBasis, i): Write => {
              const terms = { ...external('ON_CREATION').terms, costBasis: credits(costBasis) };
              return [
                day(1),
                aGrant({ grantId: `g${i}`, amount: '20', paid: { terms, initialStatus: null } }),
              ];
            }),
          );
          let told = 0n;
          const take = (command: Command) => {
            try {
              const { state, answer } = decide(book, command, day(9));
              book = state;
              if ('recognition' in answer) told += answer.recognition.money.get('USD') ?? 0n;
            } catch (error) {
              if (!isRefusal(error)) throw error;
            }
          };
          const share = () =>
            sumAmounts(
              [...book.grants.values()].map(({ funding, amount, recognized: part }) =>
                shareOf(funding.purchaseAmount, part, amount, 2),
              ),
            );
          // How far what a recognition tells is off what the rounded shares of the grants grow by.
          const recognize = (command: Command): Amount => {
            const before = share();
            const already = told;
            take(command);
            return told - already - (share() - before);
          };
          const off = steps.map((one, i) => {
            if (one.do === 'recognize') return recognize(revenue(one.units));
            take(
              one.do === 'spend'
                ? aConsumption({ chargeId: `c${i}`, amount: one.units })
                : aCorrection(`c${one.which}`, one.units),
            );
            return 0n;
          });
          take(aConsumption({ chargeId: 'rest', amount: '60', mode: 'CREDIT_ONLY' }));
          off.push(recognize(revenue()));

          expect(off.filter((amount) => amount !== 0n)).toEqual([]);
          expect(share()).toBe(
            sumAmounts([...book.grants.values()].map(({ funding }) => funding.purchaseAmount)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
