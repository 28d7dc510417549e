import type { Instant } from '../instant.ts';

const ISO_8601 =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,3}))?S)?)?$/;

/**
 * `from` plus an ISO-8601 duration in calendar terms, in UTC: years and months first, the day cut to the month's
 * last (31 January + P1M = 28 or 29 February), then weeks, days and time. Null when the text is no duration or the
 * instant lies beyond what a timestamp can name.
 */
export function addDuration(from: Instant, duration: string): Instant | null {
  const match = ISO_8601.exec(duration);
  if (match === null) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1, 8)
    .map((part) => Number(part ?? 0));
  const millis = Number((match[8] ?? '').padEnd(3, '0'));
  const date = new Date(from);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + years! * 12 + months!);
  date.setUTCDate(Math.min(day, daysOfMonth(date)));
  const clock = ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + millis;
  const sum = date.getTime() + (weeks! * 7 + days!) * 86_400_000 + clock;
  return Number.isNaN(sum) ? null : sum;
}

const daysOfMonth = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
