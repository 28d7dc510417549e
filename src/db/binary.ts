import type { Amount } from '../amount.ts';
import { EARLIEST, LATEST, type Instant } from '../instant.ts';

/**
 * Values in Postgres' binary form: what both sides can read and write without printing and parsing it. Postgres takes
 * whatever the bytes say, so what is no value of its type is refused here.
 */

/** Bytes one after the other, in as much memory as they need. Whatever writes an element first reserves its bytes. */
export type Bytes = { buffer: Buffer; view: DataView; length: number };

export const emptyBytes = (expected: number): Bytes => ({ ...memory(expected), length: 0 });

function memory(size: number): Omit<Bytes, 'length'> {
  const buffer = Buffer.allocUnsafe(size);
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, size) };
}

/** Makes room for `size` more bytes and says where they begin. */
function reserve(out: Bytes, size: number): number {
  const begin = out.length;
  out.length += size;
  if (out.length > out.buffer.length) {
    const larger = memory(out.length * 2);
    out.buffer.copy(larger.buffer, 0, 0, begin);
    Object.assign(out, larger);
  }
  return begin;
}

/** How a type of element is written: its length, then its bytes. */
export type Element<Value> = { readonly oid: number; readonly write: (out: Bytes, value: Value) => void };

/**
 * An array of one dimension: of each item the field `of`, or what that makes of it. null, or an item that is null, is
 * NULL.
 */
export function writeArray(
  out: Bytes,
  { oid, write }: Element<never>,
  items: readonly unknown[],
  of: string | ((item: never) => unknown),
): void {
  const at = reserve(out, items.length === 0 ? 12 : 20);
  out.view.setInt32(at, items.length === 0 ? 0 : 1);
  // Whether it holds NULLs: Postgres looks for itself.
  out.view.setInt32(at + 4, 0);
  out.view.setInt32(at + 8, oid);
  if (items.length === 0) return;
  out.view.setInt32(at + 12, items.length);
  out.view.setInt32(at + 16, 1);
  for (let i = 0; i < items.length; i += 1) {
    const item = items[i] as Readonly<Record<string, unknown>> | null;
    const value = item === null ? null : typeof of === 'string' ? item[of] : of(item as never);
    if (value === null) writeNull(out);
    else write(out, value as never);
  }
}

function writeNull(out: Bytes): void {
  const at = reserve(out, 4);
  out.view.setInt32(at, -1);
}

/** Reserves an element of known size, and says where its bytes begin. */
function sized(out: Bytes, size: number): number {
  const at = reserve(out, 4 + size);
  out.view.setInt32(at, size);
  return at + 4;
}

/** A whole number of so many bits, or one that a number holds exactly. */
function whole(value: number, bits = 54): number {
  const most = 2 ** (bits - 1);
  if (!Number.isSafeInteger(value) || value >= most || value < -most)
    throw new RangeError(`invariant: not a whole number of ${bits} bits: ${value}`);
  return value;
}

export const bool: Element<boolean> = {
  oid: 16,
  write: (out, value) => {
    const at = sized(out, 1);
    out.view.setUint8(at, value ? 1 : 0);
  },
};

export const int2: Element<number> = {
  oid: 21,
  write: (out, value) => {
    const at = sized(out, 2);
    out.view.setInt16(at, whole(value, 16));
  },
};

export const int4: Element<number> = {
  oid: 23,
  write: (out, value) => {
    const at = sized(out, 4);
    out.view.setInt32(at, whole(value, 32));
  },
};

/** Of a whole number below 2⁵³. */
export const int8: Element<number> = {
  oid: 20,
  write: (out, value) => {
    const at = sized(out, 8);
    out.view.setInt32(at, Math.floor(whole(value) / 2 ** 32));
    out.view.setUint32(at + 4, value >>> 0);
  },
};

/** Microseconds since 2000; what lies beyond the years 1 to 9999 is infinite. */
export const instant: Element<Instant> = {
  oid: 1184,
  write: (out, value) => {
    // The rows of a batch are full of one instant: its own.
    if (value !== latest.value) latest = { value, ...halvesOf(microseconds(value)) };
    const at = sized(out, 8);
    out.view.setInt32(at, latest.high);
    out.view.setUint32(at + 4, latest.low);
  },
};

function microseconds(value: Instant): bigint {
  if (value > LATEST) return INFINITY;
  return value < EARLIEST ? -INFINITY - 1n : BigInt(value - YEAR_2000) * 1000n;
}

/** Of a 64-bit number. */
const halvesOf = (value: bigint) => ({
  high: Number(value >> 32n),
  low: Number(BigInt.asUintN(32, value)),
});

const YEAR_2000 = Date.UTC(2000);
const INFINITY = 2n ** 63n - 1n;
let latest = { value: Number.NaN, high: 0, low: 0 };

/** 32 hex digits, with or without dashes. */
export const uuid: Element<string> = { oid: 2950, write: (out, value) => writeUuid(out, value, 0) };

/** The uuid that a text has from a place on. */
export function writeUuid(out: Bytes, text: string, from: number): void {
  const at = sized(out, 16);
  const { buffer } = out;
  let byte = at;
  let place = from;
  let digits = 0;
  while (place < text.length && byte < at + 16) {
    if (text.charCodeAt(place) === DASH) place += 1;
    const high = digitAt(text, place);
    const low = digitAt(text, place + 1);
    buffer[byte] = (high << 4) | low;
    digits |= high | low;
    byte += 1;
    place += 2;
  }
  if (byte < at + 16 || place !== text.length || digits > 15)
    throw new Error(`invariant: not a uuid: ${text}`);
}

const DASH = 45;
const NO_DIGIT = 16;
/** What hex digits stand for, by their character. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return digit < 0 ? NO_DIGIT : digit;
});
const digitAt = (text: string, place: number): number => DIGITS[text.charCodeAt(place)] ?? NO_DIGIT;

export const utf8: Element<string> = {
  oid: 25,
  write: (out, value) => writeText(out, value),
};

/** With a version in front of it. */
export const jsonb: Element<unknown> = {
  oid: 3802,
  write: (out, value) => writeText(out, `\u0001${JSON.stringify(value)}`),
};

function writeText(out: Bytes, text: string): void {
  // A UTF-16 unit takes three bytes at most.
  const at = reserve(out, 4 + text.length * 3);
  const size = writeAscii(out.buffer, at + 4, text) ?? out.buffer.write(text, at + 4);
  out.view.setInt32(at, size);
  out.length = at + 4 + size;
}

/** Short texts are mostly words of ours: to ask the buffer takes longer than to write them. Null: this is none. */
function writeAscii(buffer: Buffer, at: number, text: string): number | null {
  if (text.length > SHORT) return null;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 127) return null;
    buffer[at + i] = code;
  }
  return text.length;
}
const SHORT = 24;

export const bytes: Element<Uint8Array> = {
  oid: 17,
  write: (out, value) => {
    const at = sized(out, value.length);
    out.buffer.set(value, at);
  },
};

/** Four decimals to a digit: an {@link Amount}'s twelve decimals are three of them, and the rest is whole. */
const BASE = 10_000;
const DECIMAL_DIGITS = 3;
/** The weight of the fourth digit: three at a time go through a bigint, and the others by numbers. */
const THREE_DIGITS = BigInt(BASE) ** 3n;
const NEGATIVE = 0x4000;
/** Below it a number holds an amount exactly, and is quicker to take apart. */
const SMALL = BigInt(Number.MAX_SAFE_INTEGER);

export const numeric: Element<Amount> = {
  oid: 1700,
  write: (out, value) => {
    const digits = digitsOf(value < 0n ? -value : value);
    // Postgres keeps no zeros at the end; the first digit is none by itself.
    let zeros = 0;
    while (zeros < digits.length && digits[zeros] === 0) zeros += 1;
    const used = digits.length - zeros;
    const at = sized(out, 8 + used * 2);
    out.view.setInt16(at, used);
    out.view.setInt16(at + 2, digits.length - 1 - DECIMAL_DIGITS);
    out.view.setInt16(at + 4, value < 0n ? NEGATIVE : 0);
    out.view.setInt16(at + 6, decimalsShown(zeros, digits[zeros] ?? 0));
    for (let i = 0; i < used; i += 1) out.view.setInt16(at + 8 + i * 2, digits[digits.length - 1 - i]!);
  },
};

/** The digits to the base 10,000, the last first; until the next call. */
function digitsOf(units: bigint): readonly number[] {
  digitsOfLast.length = 0;
  let high = units;
  for (; high > SMALL; high /= THREE_DIGITS) {
    const low = Number(high % THREE_DIGITS);
    digitsOfLast.push(low % BASE, Math.floor(low / BASE) % BASE, Math.floor(low / BASE ** 2));
  }
  for (let rest = Number(high); rest > 0; rest = Math.floor(rest / BASE)) digitsOfLast.push(rest % BASE);
  return digitsOfLast;
}

// One for all: a batch has a thousand amounts to write.
const digitsOfLast: number[] = [];

/** How many decimals Postgres is to show: those up to the last digit that is not zero. */
function decimalsShown(zeros: number, last: number): number {
  if (zeros >= DECIMAL_DIGITS || last === 0) return 0;
  const within = last % 10 !== 0 ? 0 : last % 100 !== 0 ? 1 : last % 1000 !== 0 ? 2 : 3;
  return (DECIMAL_DIGITS - zeros) * 4 - within;
}
