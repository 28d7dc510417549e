import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decimalsOf,
  formatAmount,
  isNameable,
  maxAmount,
  minAmount,
  multiplyRounded,
  parseAmount,
  parseNumeric,
  shareOf,
  sumAmounts,
} from '../src/amount.ts';

describe('reading an amount', () => {
  it.each([
    ['0', 0n],
    ['1', 1_000_000_000_000n],
    ['-1', -1_000_000_000_000n],
    ['49.50', 49_500_000_000_000n],
    ['007', 7_000_000_000_000n],
    ['0.000000000001', 1n],
    ['-0.000000000001', -1n],
    ['-0', 0n],
    ['999999999999999999.999999999999', 999_999_999_999_999_999_999_999_999_999n],
  ])('takes %s', (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '+1',
    '.5',
    '1.',
    '1e5',
    '0x10',
    '1,5',
    '--1',
    'NaN',
    'Infinity',
    '١',
    '1\n',
    '0.0000000000001',
    '1000000000000000000',
  ])('refuses %j', (text) => {
    expect(() => parseAmount(text)).toThrow(RangeError);
  });
});

describe('writing an amount', () => {
  it.each([
    ['100', '100'],
    ['100.00', '100'],
    ['49.50', '49.5'],
    ['-0.10', '-0.1'],
    ['0.000000000001', '0.000000000001'],
    ['-0', '0'],
    ['10', '10'],
  ])('puts %s as %s, without padding and exponent', (text, written) => {
    expect(formatAmount(parseAmount(text))).toBe(written);
  });

  it('is undone by reading, for every amount the wire can carry', () => {
    const largest = parseAmount('999999999999999999.999999999999');

    fc.assert(
      fc.property(fc.bigInt({ min: -largest, max: largest }), (amount) => {
        expect(parseAmount(formatAmount(amount))).toBe(amount);
        expect(parseNumeric(formatAmount(amount))).toBe(amount);
      }),
    );
  });
});

describe('reading a NUMERIC', () => {
  it.each([
    ['0', '0'],
    ['0.000000000000', '0'],
    ['-12.340000000000', '-12.34'],
    ['1234567890123456789012.5', '1234567890123456789012.5'],
  ])('takes %s, also beyond what the wire can carry', (text, written) => {
    expect(formatAmount(parseNumeric(text))).toBe(written);
  });
});

describe('how precise an amount is', () => {
  it.each([
    ['100', 0],
    ['1.50', 1],
    ['-0.25', 2],
    ['0.000000000001', 12],
    ['0', 0],
  ])('%s has %i decimals', (text, decimals) => {
    expect(decimalsOf(parseAmount(text))).toBe(decimals);
  });
});

describe('a purchase amount', () => {
  it.each<[amount: string, basis: string, decimals: number, product: string, why?: string]>([
    ['100', '0.5', 2, '50'],
    ['1', '0.005', 2, '0.01', 'half goes up'],
    ['-1', '0.005', 2, '-0.01', 'half goes away from zero'],
    ['1', '0.0049', 2, '0', 'less than half goes down'],
    ['-1', '0.0049', 2, '0'],
    ['3', '0.335', 2, '1.01', 'half of an odd cent'],
    ['1', '0.145', 2, '0.15', 'a half no binary fraction has'],
    ['5', '0.5', 0, '3', 'to a currency without minor units'],
    ['1', '0.0005', 3, '0.001', 'to one with three'],
    ['999999999999999999.999999999999', '1', 12, '999999999999999999.999999999999', 'exactly'],
    ['123456789.123456789123', '987654321.987654321987', 2, '121932631356500531.59', 'however many digits'],
  ])('%s × %s to %i decimals is %s', (amount, basis, decimals, expected) => {
    expect(formatAmount(multiplyRounded(parseAmount(amount), parseAmount(basis), decimals))).toBe(expected);
  });

  it('is never further than half a unit from the exact product', () => {
    const part = fc.bigInt({ min: 1n, max: 10n ** 30n - 1n });
    const unit = 10n ** 10n;

    fc.assert(
      fc.property(part, part, (amount, basis) => {
        const off = multiplyRounded(amount, basis, 2) * 10n ** 12n - amount * basis;
        expect(off * 2n <= unit * 10n ** 12n && off * 2n > -unit * 10n ** 12n).toBe(true);
      }),
    );
  });
});

describe('sums and comparisons', () => {
  it('are exact', () => {
    expect(formatAmount(sumAmounts(['0.1', '0.2', '-0.3'].map(parseAmount)))).toBe('0');
    expect(sumAmounts([])).toBe(0n);
    expect(minAmount(1n, -1n)).toBe(-1n);
    expect(maxAmount(1n, -1n)).toBe(1n);
  });
});

describe('a share', () => {
  it.each([
    ['1000', '3000', '3000', 2, '1000'],
    ['1000', '1', '3000', 2, '0.33'],
    ['1', '1', '8', 2, '0.13'],
    ['-1', '1', '8', 2, '-0.13'],
    ['10', '1', '4', 0, '3'],
    ['1', '1', '3', 12, '0.333333333333'],
    ['7', '0', '3', 2, '0'],
  ])('of %s, %s of %s, in %i decimals is %s', (total, part, whole, decimals, expected) => {
    const share = shareOf(parseAmount(total), parseAmount(part), parseAmount(whole), decimals);

    expect(formatAmount(share)).toBe(expected);
  });
});

describe('an amount that a request could name', () => {
  it.each([
    ['999999999999999999.999999999999', true],
    ['-999999999999999999.999999999999', true],
    ['1000000000000000000', false],
    ['-1000000000000000000', false],
  ])('has at most 18 digits before the point: %s', (text, nameable) => {
    expect(isNameable(parseNumeric(text))).toBe(nameable);
  });
});
