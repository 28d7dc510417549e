import type { HrTime } from '@opentelemetry/api';
import { monotonic, processTime } from '../db/clock.ts';

/** When spans begin and end, so that each lies within what it is a part of: all of it by the process's monotonic clock. */
export type SpanTime = {
  /** An instant of the monotonic clock, as collectors want it: since 1970. */
  at(monotonicMs: number): HrTime;
  now(): HrTime;
};

/** A clock that somebody sets, or that has drifted apart from the other for weeks, is followed beyond this. */
const LONGEST_DRIFT_MS = 1_000;

/** The SDK itself looks at two clocks, one after the other, for every span; a busy machine does much in between. */
export function createSpanTime(): SpanTime {
  let offset = processTime() - monotonic();
  const at = (monotonicMs: number): HrTime => {
    const ms = monotonicMs + offset;
    const seconds = Math.floor(ms / 1_000);
    return [seconds, Math.floor((ms - seconds * 1_000) * 1_000_000)];
  };
  return {
    at,
    now() {
      const ms = monotonic();
      const drift = processTime() - ms - offset;
      if (Math.abs(drift) > LONGEST_DRIFT_MS) offset += drift;
      return at(ms);
    },
  };
}
