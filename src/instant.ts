/** Milliseconds since 1970-01-01T00:00:00Z. Whole: the resolution of every instant is one millisecond. */
export type Instant = number;

/** Later than every instant: an expiry that never comes, a funding nobody has met yet. */
export const NEVER: Instant = Number.POSITIVE_INFINITY;

/** Earlier than every instant: a condition that was met from the start. */
export const ALWAYS: Instant = Number.NEGATIVE_INFINITY;

/** The instants a `google.protobuf.Timestamp` can name: years 1 to 9999. */
export const EARLIEST: Instant = -62_135_596_800_000;
export const LATEST: Instant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339 in UTC with milliseconds; `never` for {@link NEVER}, `always` for {@link ALWAYS}. */
export function formatInstant(instant: Instant): string {
  if (instant === NEVER) return 'never';
  return instant === ALWAYS ? 'always' : new Date(instant).toISOString();
}

export const earlier = (a: Instant, b: Instant): Instant => (a < b ? a : b);
export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
