import type { Instant } from '../instant.ts';

const ISO_8601 =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,3}))?S)?)?$/;

/**
 * `from` plus an ISO-8601 duration in calendar terms, in UTC: years and months first, the day cut to the month's
 * last (31 January + P1M = 28 or 29 February), then weeks, days and time. Null when the text is no duration or the
 * instant lies beyond what a timestamp can name.
 */
export function addDuration(from: Instant, duration: string): Instant | null {
  const parts = partsOf(duration);
  if (parts === null) return null;
  const { months, days, millis } = parts;
  const date = new Date(from);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  date.setUTCDate(Math.min(day, daysOfMonth(date)));
  const sum = date.getTime() + days * 86_400_000 + millis;
  return Number.isNaN(sum) ? null : sum;
}

const daysOfMonth = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();

/** The one spelling of a duration: months, days and milliseconds; `P1Y` and `P12M` are one, `P1D` and `PT24H` are not. */
export function plainDuration(duration: string): string {
  const parts = partsOf(duration);
  return parts === null ? duration : `P${parts.months}M${parts.days}DT${parts.millis}`;
}

/** What a calendar tells apart: months differ in length, and so may days. Null when the text is no duration. */
function partsOf(
  duration: string,
): { readonly months: number; readonly days: number; readonly millis: number } | null {
  const match = ISO_8601.exec(duration);
  if (match === null) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1, 8)
    .map((part) => Number(part ?? 0));
  return {
    months: years! * 12 + months!,
    days: weeks! * 7 + days!,
    millis: ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + Number((match[8] ?? '').padEnd(3, '0')),
  };
}
