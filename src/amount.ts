import { Decimal } from 'decimal.js';

/**
 * An exact decimal as a count of 10⁻¹² units, the finest step any currency has.
 * A bigint, so that sums and comparisons are exact and read like arithmetic; never a number.
 */
export type Amount = bigint;

/** The most decimals an amount can have. */
const MAX_DECIMALS = 12;

/** The most whole digits of an amount that somebody names; sums of such go beyond. */
const MAX_WHOLE_DIGITS = 18;

const UNIT = 10n ** BigInt(MAX_DECIMALS);
const GRAMMAR = /^(-?)(\d{1,18})(?:\.(\d{1,12}))?$/;
const Exact = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_HALF_UP });

/** Reads `-?[0-9]{1,18}(\.[0-9]{1,12})?`; throws on anything else (callers on the wire validate first). */
export function parseAmount(text: string): Amount {
  const match = GRAMMAR.exec(text);
  if (match === null) throw new RangeError(`not an amount: ${JSON.stringify(text)}`);
  const [, sign, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction.padEnd(MAX_DECIMALS, '0'));
  return sign === '-' ? -units : units;
}

/** Reads a Postgres NUMERIC, whose sums may exceed the wire's 18 whole digits; throws on NaN and infinities. */
export function parseNumeric(text: string): Amount {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const units = BigInt(whole + fraction.slice(0, MAX_DECIMALS).padEnd(MAX_DECIMALS, '0'));
  return negative ? -units : units;
}

/** Plain decimal text without exponent or padding zeros: `"100"`, `"49.5"`, `"-0.000000000001"`. */
export function formatAmount(amount: Amount): string {
  // Of the amounts that an answer tells most are.
  if (amount === 0n) return '0';
  const sign = amount < 0n ? '-' : '';
  const units = amount < 0n ? -amount : amount;
  const whole = units / UNIT;
  // Below 10¹²: as a number it is exact, and quicker to take apart.
  let fraction = Number(units % UNIT);
  if (fraction === 0) return `${sign}${whole}`;
  let decimals = MAX_DECIMALS;
  for (; fraction % 10 === 0; fraction /= 10) decimals -= 1;
  return `${sign}${whole}.${String(fraction).padStart(decimals, '0')}`;
}

/** How many decimals the amount really needs (0 for whole numbers). */
export function decimalsOf(amount: Amount): number {
  let units = (amount < 0n ? -amount : amount) % UNIT;
  if (units === 0n) return 0;
  let decimals = MAX_DECIMALS;
  while (units % 10n === 0n) {
    units /= 10n;
    decimals -= 1;
  }
  return decimals;
}

/** `amount × factor`, rounded half away from zero to `decimals` places (domain: purchase amounts). */
export function multiplyRounded(amount: Amount, factor: Amount, decimals: number): Amount {
  const product = new Exact(formatAmount(amount)).times(formatAmount(factor));
  return parseNumeric(product.toFixed(decimals, Decimal.ROUND_HALF_UP));
}

/** The share of `total` that `part` is of `whole` (above zero), rounded half away from zero to `decimals` places. */
export function shareOf(total: Amount, part: Amount, whole: Amount, decimals: number): Amount {
  const step = 10n ** BigInt(MAX_DECIMALS - decimals);
  const [dividend, divisor] = [total * part, whole * step];
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n;
  return ((dividend + half) / divisor) * step;
}

/** Whether it could be named in a request: sums of such stay below 40 whole digits, however many there are. */
export const isNameable = (amount: Amount): boolean =>
  (amount < 0n ? -amount : amount) < 10n ** BigInt(MAX_WHOLE_DIGITS + MAX_DECIMALS);

export const minAmount = (a: Amount, b: Amount): Amount => (a < b ? a : b);
export const maxAmount = (a: Amount, b: Amount): Amount => (a > b ? a : b);

export function sumAmounts(amounts: Iterable<Amount>): Amount {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}
