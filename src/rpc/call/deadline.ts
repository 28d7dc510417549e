import { processTime } from '../../db/clock.ts';
import { RefusalError } from '../../refusal.ts';

/**
 * The longest a unary call is worked on when its caller set no deadline, or a later one.
 * Without it a forgotten deadline and a stuck database would hold memory for ever.
 */
const LONGEST_UNARY_MS = 60_000;

/** Node fires a timer at once when its delay does not fit into 31 bits: about 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The instant a unary call ends at the latest, in milliseconds since 1970. */
export function unaryDeadline(requestedMs: number | undefined): number {
  const longest = processTime() + LONGEST_UNARY_MS;
  return requestedMs === undefined ? longest : Math.min(requestedMs, longest);
}

// A timer may fire a millisecond before the clock says so.
const TIMER_SLACK_MS = 2;

/** Whether a timer that was set for the deadline may have fired. */
export const isLate = (deadlineMs: number): boolean => processTime() >= deadlineMs - TIMER_SLACK_MS;

/** Calls `expired` when the deadline passes, unless disarmed before. The only deadline timer there is. */
export function armDeadline(deadlineMs: number, expired: () => void): { disarm: () => void } {
  const delay = deadlineMs - processTime();
  // Nobody's process lives that long; the transport ends such a call with its connection.
  if (delay > LONGEST_TIMER_MS) return { disarm: () => {} };
  const timer = setTimeout(expired, Math.max(delay, 0));
  return { disarm: () => clearTimeout(timer) };
}

/** Why a call ends whose caller waits no longer. */
export const tooLate = () =>
  new RefusalError({
    reason: 'DEADLINE_EXCEEDED',
    message: 'the deadline passed before the answer was ready',
    metadata: {},
  });
