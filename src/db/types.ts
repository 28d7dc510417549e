import pg from 'pg';
import { parseNumeric } from '../amount.ts';
import { ALWAYS, EARLIEST, LATEST, NEVER, type Instant } from '../instant.ts';

/**
 * How Postgres values become ours: numeric → Amount, timestamptz → Instant, bigint → number (versions, counts and
 * transaction ids stay far below 2⁵³: at 10,000 transactions a second, for 28,000 years). The session runs in UTC, so
 * the text has one form.
 */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number): ((text: string) => unknown) =>
    PARSERS.get(oid) ?? (pg.types.getTypeParser(oid) as (text: string) => unknown),
};

const PARSERS = new Map<number, (text: string) => unknown>([
  [20, Number],
  [1700, parseNumeric],
  [1184, parseTimestamp],
]);

function parseTimestamp(text: string): Instant {
  if (text === 'infinity') return NEVER;
  if (text === '-infinity') return ALWAYS;
  const instant = Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  if (Number.isNaN(instant)) throw new RangeError(`not an instant of the years 1 to 9999: ${text}`);
  return instant;
}

/** An instant as a timestamptz parameter; what lies beyond the years 1 to 9999 is infinite. */
export function timestamp(instant: Instant): string {
  if (instant > LATEST) return 'infinity';
  if (instant < EARLIEST) return '-infinity';
  return new Date(instant).toISOString();
}

/** The same for an instant there may not be. */
export const optional = (instant: Instant | null): string | null =>
  instant === null ? null : timestamp(instant);
